/** Every activity's implementation. Adding one is a file beside this and a line here. */
import { layer as join } from "../activity.ts"
import { cancelRefund } from "./cancel-refund.ts"
import { composeReport } from "./compose-report.ts"
import { draftArticle } from "./draft-article.ts"
import { draftInvoice } from "./draft-invoice.ts"
import { draftMail } from "./draft-mail.ts"
import { gatherSubjects } from "./gather-subjects.ts"
import { noteContact } from "./note-contact.ts"
import { noteReminder } from "./note-reminder.ts"
import { planEviction } from "./plan-eviction.ts"
import { publishArticle } from "./publish-article.ts"
import { readConversation } from "./read-conversation.ts"
import { recallMail } from "./recall-mail.ts"
import { recordPayment } from "./record-payment.ts"
import { refundPayment } from "./refund-payment.ts"
import { sendMail } from "./send-mail.ts"
import { summarise } from "./summarise.ts"
import { unpublishArticle } from "./unpublish-article.ts"
import { voidInvoice } from "./void-invoice.ts"
import { weighConversation } from "./weigh-conversation.ts"

/**
 * Their ports: `EventLog`, `Vault`, `BlobStore`, `Mailer`, `Payments`, `Crm`, `Publisher`, `Recall`,
 * `Reports`, `LanguageModel`, `SubjectItems`, `Tiers`; `Contacts` is given by the actor system.
 */
export const layer = join([
  cancelRefund,
  composeReport,
  draftArticle,
  draftInvoice,
  draftMail,
  gatherSubjects,
  noteContact,
  noteReminder,
  planEviction,
  publishArticle,
  readConversation,
  recallMail,
  recordPayment,
  refundPayment,
  sendMail,
  summarise,
  unpublishArticle,
  voidInvoice,
  weighConversation,
])
