/** Every activity's implementation. Adding one is a file beside this and a line here. */
import { layer as join } from "../activity.ts"
import { draftOutreach } from "./draft-outreach.ts"
import { sendMail } from "./send-mail.ts"

/** Their ports: `EventLog`, `Vault`, `Mailer`; `Contacts` is given by the actor system. */
export const layer = join([draftOutreach, sendMail])
