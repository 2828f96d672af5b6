/**
 * The patterns that intents, requests to stop and instructions to a reader's AI are read by, in English
 * and German with some French and Spanish. Each is bounded. A changed pattern is a new `reader`.
 */

const amount =
  /(?:[€$£]\s?\d|\d[\d.,]{0,12}\s?(?:k\b|€|\$|£|eur\b|usd\b|gbp\b|chf\b|euros?\b|dollars?\b))/i
const monthName =
  "jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|" +
  "aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|oktober|nov(?:ember)?|dec(?:ember)?|dezember"
const weekday =
  "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|" +
  "freitag|samstag|sonntag"
const dated = new RegExp(
  `\\b(?:\\d{1,2}(?:st|nd|rd|th)?\\.? (?:of )?(?:${monthName})|(?:${monthName}) \\d{1,2}|\\d{4}-\\d{2}-\\d{2}|` +
    `\\d{1,2}\\.\\d{1,2}\\.(?:\\d{2,4})?|(?:by|before|until|from|start(?:ing)?|in|bis|ab|vor|im) ` +
    `(?:the )?(?:(?:early|mid|late|end of|beginning of|anfang|mitte|ende) )?(?:${monthName}|${weekday}|q[1-4])|` +
    `(?:next|nächste[nr]?) (?:week|month|quarter|woche|monat|quartal|${weekday}|${monthName}))\\b`,
  "i",
)

export interface Rule {
  readonly intent: string
  readonly warmth: number
  readonly says: ReadonlyArray<RegExp>
  /** All of these too, in the same sentence. */
  readonly and?: RegExp
  /** None of these in the same sentence. */
  readonly not?: RegExp
}

export const rules: ReadonlyArray<Rule> = [
  {
    intent: "asksPrice",
    warmth: 25,
    says: [
      /\b(?:how much|what (?:does|do|would|will|is|are) .{0,60}(?:cost|charge|price|rates?|fee)|your (?:rates?|prices?|pricing|fees?)|price list|(?:a |your )?(?:quote|quotation|estimate) (?:for|on)|send (?:me |us )?(?:a |an |your )?(?:quote|offer|proposal|estimate|pricing))/i,
      /\b(?:was (?:kostet|kosten|würde)|wie ?viel (?:kostet|kosten)|preisliste|ihre(?:n)? preise?|(?:ein|ihr) angebot)\b/i,
      /\b(?:combien (?:coûte|coûterait)|un devis|cuánto cuesta|un presupuesto)\b/i,
    ],
    not: /\bangebot\b.{0,80}\b(?:nicht|annehmen|angenommen|danke)\b|\bdanke\b.{0,40}\bangebot\b/i,
  },
  {
    intent: "namesBudget",
    warmth: 30,
    says: [
      /\b(?:budget|set aside|can spend|could spend|up to|approved|afford|etat|bis zu|eingeplant|presupuesto)\b/i,
    ],
    and: amount,
    not: /\b(?:no|kein(?:en)?) budget\b/i,
  },
  { intent: "namesDate", warmth: 15, says: [dated] },
  {
    intent: "asksMeeting",
    warmth: 20,
    says: [
      /\b(?:(?:have|schedule|set up|book|arrange|jump on|hop on) (?:a |an )?(?:quick |short |intro |first )?(?:call|meeting|chat)|could we (?:talk|meet|speak)|can we (?:talk|meet|speak)|are you (?:free|available)|when (?:are you free|would suit|can we))\b/i,
      /\b(?:telefonieren|einen termin|hätten sie zeit|hast du zeit|kurz sprechen|treffen wir uns)\b/i,
    ],
  },
  {
    intent: "accepts",
    warmth: 40,
    says: [
      /\b(?:let'?s (?:go ahead|do (?:it|this)|proceed|get started)|(?:we|i)(?:'d| would) like to (?:go ahead|proceed|hire|book)|(?:we|i) (?:accept|approve|agree to) (?:the |your )|happy to (?:go ahead|proceed|sign)|please go ahead|(?:we are|we're) going with you)\b/i,
      /\b(?:wir nehmen (?:das|ihr) angebot|(?:wir|ich) (?:sind|bin) einverstanden|gerne? beauftragen|auftrag erteil(?:t|en))\b/i,
    ],
    // What is asked, or said under a condition, is not agreed.
    not:
      /\?\s*$|\b(?:not|don'?t|cannot|can'?t|couldn'?t|won'?t|unable|if|unless|whether|provided|nicht|kein|kann ich|können wir|wenn|falls|sofern|ob)\b/i,
  },
  {
    intent: "declines",
    warmth: -45,
    says: [
      /\b(?:can(?:no|')?t|cannot|won'?t|will not|unable to|not able to|not going to) (?:accept|agree|go ahead|proceed|take (?:it|this|you) up)\b/i,
      /\b(?:angebot|vorschlag)\b.{0,80}\bnicht (?:annehmen|zusagen|beauftragen)\b/i,
      /\b(?:not interested|no longer (?:need|interested|looking)|(?:went|going|gone) with (?:another|someone else|a different)|decided (?:against|not to)|have to pass|will pass on|not (?:a fit|for us|at this time|right now)|no budget|put (?:this|it) on hold|on ice|maybe next year)\b/i,
      /\b(?:kein(?:en)? (?:interesse|bedarf|budget)|haben uns (?:anders|für einen anderen)|leider absagen|müssen absagen|vorerst nicht)\b/i,
      /\b(?:pas intéressée?s?|no (?:nos|me) interesa)\b/i,
    ],
  },
  {
    intent: "chargedTwice",
    warmth: -20,
    says: [
      /\b(?:(?:charged?|billed?|debited|paid|invoiced?|taken) (?:me |us |my card |our card |it |this |the (?:same )?invoice |for it |for this )?(?:twice|two times|double|a second time)|double[- ]?(?:charged?|charging|billed|billing|payment)|(?:twice|two times) (?:charged|billed|debited|paid)|two charges|charged .{0,60}\btwice|twice .{0,40}\bcharged)\b/i,
      /\b(?:doppelt (?:abgebucht|berechnet|bezahlt|belastet|in rechnung)|zwei ?mal (?:abgebucht|berechnet|bezahlt|belastet)|doppelte (?:abbuchung|belastung|zahlung))\b/i,
      /\b(?:débité (?:deux|2) fois|facturé (?:deux|2) fois|cobrado (?:dos veces|doble)|doble cobro)\b/i,
    ],
  },
  {
    intent: "complains",
    warmth: -20,
    says: [
      /\b(?:disappointed|disappointing|not happy|unhappy|frustrated|frustrating|fed up|still waiting|never heard back|no (?:reply|answer|response) (?:yet|so far|to my)|(?:nobody|no one) (?:answers|answered|replies|replied)|complaint|complain(?:ing)?|refund|money back|(?:second|third|fourth) (?:time i (?:write|am writing)|reminder)|this is my (?:second|third|fourth) (?:mail|e-?mail|message)|does(?:n'?t| not) work at all|is (?:wrong|broken) again)\b/i,
      /\b(?:for the (?:second|third|fourth) time|writing (?:again|for the (?:second|third|fourth) time))\b/i,
      /\b(?:enttäuscht|enttäuschend|beschwer(?:de|en|e mich)|unzufrieden|verärgert|immer noch keine antwort|keine antwort erhalten|geld zurück|rückerstattung|reklam(?:ation|iere)|mahne|zum (?:zweiten|dritten|vierten) mal)\b/i,
      /\b(?:déçue?|mécontente?|rembours(?:ement|ez)|réclamation|decepcionad[oa]|reembolso|reclamación|queja)\b/i,
    ],
    // Who may have it back is asked kindly; whoever demands it complains.
    not:
      /\b(?:no complaints?|not complaining|keine beschwerde|(?:can|could|may) (?:i|we) (?:please )?(?:get|have|ask for|receive) (?:(?:a|my|our|the|some of) )?(?:refund|money back))\b/i,
  },
  {
    intent: "asksRefund",
    warmth: 0,
    says: [
      /\b(?:can|could|may) (?:i|we) (?:please )?(?:get|have|ask for|receive) (?:(?:a|my|our|the|some of) )?(?:refund|money back)\b/i,
      /\b(?:(?:geld|betrag|preis|gebühr|beitrag) .{0,40}zurück(?:bekommen|erhalten|haben|erstattet|zahlen|überweisen)|geld zurück(?:bekommen|erhalten))\b/i,
    ],
  },
  {
    intent: "asksChange",
    warmth: 0,
    says: [
      /\b(?:(?:reschedule|postpone|move|change|cancel) (?:my|our) (?:booking|order|place|seat|ticket|subscription|appointment|workshop)|(?:place|seat|booking|ticket|workshop) be (?:moved|rescheduled|changed|cancelled))\b/i,
      /\b(?:(?:platz|plätze|termin|buchung|bestellung|ticket|workshop|abo) .{0,60}(?:verschieben|verlegen|umbuchen|stornieren|ändern)|umbuchen)\b/i,
    ],
  },
  {
    intent: "thanks",
    warmth: 0,
    says: [/\b(?:thank you|thanks|danke|vielen dank|merci|gracias)\b/i],
  },
  {
    intent: "asks",
    warmth: 5,
    says: [/\?(?:\s|$)/],
  },
]

/** Somebody wrote at all. With a question, or with thanks, that alone warms nobody: `warmFrom` is more. */
export const warmthOfWriting = 5

/** Words by which anger is told; what they stand in complains, whatever else it says. */
export const harshWords: ReadonlyArray<RegExp> = [
  /\b(?:unacceptable|outrageous|outrage|ridiculous|disgrace(?:ful)?|disgusting|furious|angry|shocking|incompetent|rip-?off|scam|fraud(?:ulent)?|lawyer|legal action|chargeback|worst|appalling|last warning)\b/i,
  /\b(?:inakzeptabel|unverschämt(?:heit)?|frechheit|skandal(?:ös)?|wütend|betrug|abzocke|anwalt|rechtliche schritte|das letzte mal|unmöglich von ihnen)\b/i,
  /\b(?:inacceptable|scandaleux|arnaque|avocat|inaceptable|estafa|abogado|vergüenza)\b/i,
]
/** So many exclamation marks, or words in capitals, are loud. */
export const exclamationsMin = 3
export const capitalsMin = 3
/** Short ones are names of things: EUR, PDF, VAT. */
export const capitalWord = /(?<![\p{L}\d])\p{Lu}{4,20}(?![\p{L}\d])/gu
/** Capitals that mean nothing. */
export const capitalNames: ReadonlySet<string> = new Set(
  "HTTP,HTTPS,HTML,JSON,IBAN,SWIFT,SEPA,GMBH,PAYPAL,ASAP,INVOICE,LINKEDIN".split(","),
)

/**
 * A number that an invoice is named by, in the same breath as the word. What is as long as a telephone
 * number or an IBAN is none: it is kept in plain.
 */
export const invoiceNamed =
  /(?<!\p{L})(?:invoice|inv|rechnung|rechnungsnummer|rechnungsnr|rg|re|facture|factura|bill)s?\.?(?:[ :-]{1,2}(?:number|numbers|no|nr|nummer|num|n°|#)\.?)?[ :]{0,2}#?\s?((?=[\p{L}-]{0,8}\d)(?!\d{9})[\p{L}\d][\p{L}\d/-]{1,15})(?![\p{L}\d])/giu

export const unsubscribing: ReadonlyArray<RegExp> = [
  /\b(?:please |kindly )?unsubscribe (?:me|us|this address|my address)\b/i,
  /^(?:please |kindly |hi,? |hello,? )?unsubscribe(?: please)?[\s.!]*$/i,
  /\b(?:want|like|wish|ask|asked) (?:you )?to (?:unsubscribe|be removed|opt out)\b/i,
  /\b(?:remove|delete|take) (?:me|us|my (?:address|e-?mail|name)|our address)(?: off| out)?(?: .{0,30}(?:list|mailing|database|system|contacts|records))\b/i,
  /^(?:please |kindly )?(?:remove|take) (?:me|us)(?: off)?[\s.!]*$/i,
  /\b(?:please )?stop (?:writing|e-?mailing|mailing|contacting|messaging|sending)(?: to)? (?:me|us)\b/i,
  /\b(?:do not|don'?t|never) (?:write|contact|e-?mail|mail|message)(?: to)? (?:me|us)(?: again| any ?more| any longer| ever)?\b/i,
  /\bno (?:more|further) (?:mails?|e-?mails?|messages)\b/i,
  /\b(?:opt me out|opting out|i opt out)\b/i,
  /^(?:please |kindly )?(?:opt[ -]?out|stop(?: (?:it|this|now|please|all))?)(?: please)?[\s.!]*$/i,
  /\b(?:delete|erase|remove) (?:all )?(?:of )?my (?:personal )?(?:data|information|details)\b/i,
  /\b(?:bitte )?(?:keine|nie wieder) (?:weiteren |mehr )?(?:e-?mails?|mails?|nachrichten|werbung)(?: mehr)?\b/i,
  /\b(?:schreiben|schicken|senden|kontaktieren) sie (?:mir|uns|mich) (?:bitte )?(?:nicht|nie|keine).{0,20}(?:mehr|wieder)\b/i,
  /\b(?:schreib|schick) (?:mir|uns) (?:bitte )?(?:nicht|nie|keine).{0,20}(?:mehr|wieder)\b/i,
  /\b(?:bitte )?(?:tragen|nehmen|löschen|streichen) sie (?:mich|uns|meine (?:adresse|daten))\b.{0,60}(?:aus|ab|verteiler|liste|heraus|löschen)?/i,
  /\b(?:abmelden|austragen)[\s.!]*$/i,
  /\b(?:désabonne[zr]|désinscri(?:re|vez)|ne m'écrivez plus|darme de baja|no me escriba(?:s|n)? más)\b/i,
]
export const notUnsubscribing =
  /\b(?:(?:don'?t|do not|didn'?t|did not|never) (?:want to |wish to |mean to )?(?:unsubscribe|remove me|opt me out)|to unsubscribe[, ]|unsubscribe (?:here|link|button|page|from this|at any)|click|if you (?:no longer|do not|don'?t) (?:want|wish)|(?:our|their|how|your) (?:users|customers|readers|subscribers))\b/i

/** An amount for each of something: what it comes to is not said. */
export const rate =
  /(?:€|\$|£|\b[a-z]{3}|euros?|dollars?)\s?(?:per|a|an|each|every|\/|pro|im|je)\s?(?:hour|day|week|month|quarter|year|head|person|piece|issue|page|stunde|tag|woche|monat|quartal|jahr|kopf|stück|ausgabe|seite)\b/i

export const instructing: ReadonlyArray<RegExp> = [
  /\b(?:ignore|disregard|forget|override) (?:all |everything |anything |what(?:ever)? is )*(?:of )?(?:the )?(?:above|foregoing|preceding)\b/i,
  /^(?:system|developer)\s?:/i,
  /\byou are now in .{0,40}\bmode\b|\b(?:enter|switch to|activate) (?:developer|admin|debug|god) mode\b/i,
  /\b(?:approve|authori[sz]e|confirm|release) (?:all|every|any|each) (?:\w{1,20} ){0,2}(?:pending|open|waiting|outstanding) (?:requests?|approvals?|payments?|transfers?|invoices?|drafts?|items?)\b/i,
  /\b(?:send|e-?mail|forward|export|upload) (?:me |us )?(?:all|every|the (?:whole|entire|full)|your (?:whole |entire |full |customer |client |contact |password ){1,2}) ?(?:\w{1,20} ){0,3}(?:customers?|clients?|contacts?|subscribers?|passwords?|lists?|database|data|mails?|inbox)\b.{0,80}\bto\b \S{1,80}@/i,
  /\b(?:ignore|disregard|forget|override) (?:all |any |the |your |these |those )*(?:previous|prior|above|earlier|preceding|existing|other) (?:\w{1,20} )?(?:instructions?|prompts?|rules?|messages?|directions?|context|guidelines)\b/i,
  /\b(?:ignore|disregard|forget|override) (?:all |any )?(?:of )?(?:your|the) (?:instructions?|rules?|guidelines|system prompt|policies)\b/i,
  /\b(?:as|you are|you're|act as|pretend to be) (?:now )?(?:an? )?(?:helpful )?(?:ai|llm|language model|assistant|chatbot|bot|gpt)\b/i,
  /\b(?:note|message|instructions?|attention|notice|hinweis|anweisung) (?:to|for|an|für) (?:the |any |all |your |die |den |jede )?(?:ai|llm|assistant|bot|agent|automated|language model|ki|assistent)/i,
  /\b(?:ai|llm|assistant|agent|chatbot|language model|gpt|claude|copilot)s?\b\s?[:,].{0,80}\b(?:forward|send|reply|delete|approve|transfer|pay|mark|reveal|export|share|must|should)\b/i,
  /\b(?:if you are|to whatever|any) (?:an? )?(?:ai|llm|automated|language model|assistant)\b/i,
  /\b(?:system prompt|developer message|jailbreak|prompt injection)\b/i,
  /\bforward (?:all|every|any|the last) (?:\w{1,20} ){0,3}(?:invoices?|e-?mails?|mails?|messages?|contacts?|passwords?|documents?|data)\b.{0,60}\bto\b/i,
  /\b(?:do not|don'?t|without) (?:tell(?:ing)?|inform(?:ing)?|alert(?:ing)?|ask(?:ing)?|notify(?:ing)?|mention(?:ing)? (?:this|it) to) (?:the |your )?(?:user|founder|owner|human|operator|boss)\b/i,
  /\b(?:approve|authori[sz]e) (?:this|all|every|any) (?:\w{1,20} )?(?:payments?|transfers?|invoices?|requests?|drafts?) (?:without|automatically|immediately)\b/i,
  /<\/?(?:system|assistant|instructions?|prompt)>|\[\/?inst\]|<\|(?:im_start|system|user)/i,
  /\b(?:ignoriere|vergiss|missachte) (?:alle |sämtliche |deine )*(?:vorherigen|bisherigen|obigen|früheren)? ?(?:anweisungen|instruktionen|regeln)\b/i,
  /\b(?:als|du bist(?: jetzt)?) (?:eine? )?(?:ki|künstliche intelligenz|sprachmodell|ki-assistent)\b/i,
  /\bleite (?:alle|sämtliche) (?:\w{1,20} )?(?:rechnungen|mails?|e-mails?|nachrichten) (?:an|weiter)\b/i,
  /\bignore[zr] (?:toutes )?les instructions\b|\bignora (?:todas )?las instrucciones\b/i,
]
