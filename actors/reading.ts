/**
 * Reads what a mail says by fixed rules, in English and German with some French and Spanish. A mail is
 * data: all that comes out is a score, names of intents and the words they were read from, and nothing
 * in it is ever followed. Every pattern is bounded, so no text can make it slow.
 */

/** Written into what was read; a new name whenever a rule changes. */
export const reader = "rules-1"

/** Text beyond is not read. */
const textCharsMax = 20_000
const sentencesMax = 200
const sentenceCharsMax = 400
const quoteWordsMax = 12
const quotesMax = 8

export interface Reading {
  readonly signals: {
    readonly reader: string
    readonly warmth: number
    readonly intents: ReadonlyArray<string>
    readonly instructsReader: boolean
  }
  /** The words the signals were read from, at most 12 each. */
  readonly quotes: ReadonlyArray<string>
  /** The person asks not to be written to. */
  readonly unsubscribes: boolean
}

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

interface Rule {
  readonly intent: string
  readonly warmth: number
  readonly says: ReadonlyArray<RegExp>
  /** All of these too, in the same sentence. */
  readonly and?: RegExp
  /** None of these in the same sentence. */
  readonly not?: RegExp
}

const rules: ReadonlyArray<Rule> = [
  {
    intent: "asksPrice",
    warmth: 25,
    says: [
      /\b(?:how much|what (?:does|do|would|will|is|are) .{0,60}(?:cost|charge|price|rates?|fee)|your (?:rates?|prices?|pricing|fees?)|price list|(?:a |your )?(?:quote|quotation|estimate) (?:for|on)|send (?:me |us )?(?:a |an |your )?(?:quote|offer|proposal|estimate|pricing))/i,
      /\b(?:was (?:kostet|kosten|würde)|wie ?viel (?:kostet|kosten)|preisliste|ihre(?:n)? preise?|(?:ein|ihr) angebot)\b/i,
      /\b(?:combien (?:coûte|coûterait)|un devis|cuánto cuesta|un presupuesto)\b/i,
    ],
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
    not: /\b(?:not|don'?t|cannot|can'?t|won'?t|nicht|kein)\b/i,
  },
  {
    intent: "declines",
    warmth: -45,
    says: [
      /\b(?:not interested|no longer (?:need|interested|looking)|(?:went|going|gone) with (?:another|someone else|a different)|decided (?:against|not to)|have to pass|will pass on|not (?:a fit|for us|at this time|right now)|no budget|put (?:this|it) on hold|on ice|maybe next year)\b/i,
      /\b(?:kein(?:en)? (?:interesse|bedarf|budget)|haben uns (?:anders|für einen anderen)|leider absagen|müssen absagen|vorerst nicht)\b/i,
      /\b(?:pas intéressée?s?|no (?:nos|me) interesa)\b/i,
    ],
  },
  {
    intent: "complains",
    warmth: -20,
    says: [
      /\b(?:disappointed|unacceptable|not happy|unhappy|frustrated|still waiting|never heard back|complaint|refund)\b/i,
      /\b(?:enttäuscht|beschwer(?:de|en)|inakzeptabel|unzufrieden|immer noch keine antwort)\b/i,
    ],
  },
  {
    intent: "thanks",
    warmth: 5,
    says: [/\b(?:thank you|thanks|danke|vielen dank|merci|gracias)\b/i],
  },
  {
    intent: "asks",
    warmth: 5,
    says: [/\?(?:\s|$)/],
  },
]

/** Somebody wrote at all: that alone is worth something. */
const warmthOfWriting = 10

const unsubscribing: ReadonlyArray<RegExp> = [
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
const notUnsubscribing =
  /\b(?:(?:don'?t|do not|didn'?t|did not|never) (?:want to |wish to |mean to )?(?:unsubscribe|remove me|opt me out)|to unsubscribe[, ]|unsubscribe (?:here|link|button|page|from this|at any)|click|if you (?:no longer|do not|don'?t) (?:want|wish)|(?:our|their|how|your) (?:users|customers|readers|subscribers))\b/i

const instructing: ReadonlyArray<RegExp> = [
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

const quoteStart =
  /^\s{0,4}(?:-{2,} ?(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine)|_{10,}$|begin forwarded message|on .{4,120} wrote:$|am .{4,120} schrieb.{0,120}:$|le .{4,120} a écrit ?:$|el .{4,120} escribió:$)/i
const headerBlock = /^\s{0,4}\*?(?:from|von|de):\*? .{1,200}$/i
const headerBlockNext =
  /^\s{0,4}\*?(?:sent|date|gesendet|datum|to|an|envoyé|enviado|subject|betreff):\*? /i
const signature =
  /^(?:--\s?$|sent from my |von meinem \w{1,20} gesendet|get outlook for |envoyé de mon |gesendet von )/i

/** What the person wrote now: without what is quoted and without the signature. */
export const newText = (text: string): string => {
  const kept: Array<string> = []
  const lines = text.slice(0, textCharsMax).replace(/\r\n?/g, "\n").split("\n")
  for (const [index, full] of lines.entries()) {
    const line = full.slice(0, 2 * sentenceCharsMax)
    if (/^\s{0,4}>/.test(line)) continue
    const twoLines = `${line} ${(lines[index + 1] ?? "").slice(0, 120)}`.trimEnd()
    const opens = /^\s{0,4}(?:on|am|le|el) /i.test(line)
    if (quoteStart.test(line) || (opens && quoteStart.test(twoLines))) break
    if (headerBlock.test(line) && headerBlockNext.test(lines[index + 1] ?? "")) break
    if (signature.test(line)) break
    kept.push(full)
  }
  return kept.join("\n").trim()
}

/** Sentences: mail is wrapped, so a line's end is none, an empty line is. */
const sentencesOf = (text: string): ReadonlyArray<string> => {
  const sentences: Array<string> = []
  for (const paragraph of text.split(/\n[ \t]*\n/)) {
    const flat = paragraph.replace(/\s+/g, " ").trim()
    let start = 0
    for (let at = 0; at <= flat.length; at++) {
      const mark = flat[at]
      const next = flat[at + 1]
      const ends = at === flat.length || at - start >= sentenceCharsMax ||
        ((mark === "." || mark === "!" || mark === "?") && next === " " &&
          !(mark === "." && /\d/.test(flat[at - 1] ?? "")))
      if (!ends) continue
      const sentence = flat.slice(start, at + 1).trim()
      if (sentence !== "") sentences.push(sentence)
      if (sentences.length >= sentencesMax) return sentences
      start = at + 1
    }
  }
  return sentences
}

/** At most 12 words around what was found. */
const quoteOf = (sentence: string, at: number): string => {
  const words = sentence.split(" ")
  let seen = 0
  const hit = Math.max(0, words.findIndex((word) => (seen += word.length + 1) > at))
  const start = Math.max(0, Math.min(hit - 3, words.length - quoteWordsMax))
  const end = start + quoteWordsMax
  const quote = words.slice(start, end).join(" ").slice(0, 200)
  return `${start > 0 ? "…" : ""}${quote}${end < words.length ? "…" : ""}`
}

const firstMatch = (
  patterns: ReadonlyArray<RegExp>,
  sentence: string,
): number | undefined => {
  for (const pattern of patterns) {
    const at = sentence.search(pattern)
    if (at >= 0) return at
  }
  return undefined
}

const isUnsubscribing = (sentence: string): boolean =>
  !notUnsubscribing.test(sentence) && firstMatch(unsubscribing, sentence) !== undefined

/** Reads one mail. Pure: the same mail reads the same for ever, under the name in `reader`. */
export const readText = (subject: string, text: string): Reading => {
  const written = newText(text)
  const title = subject.slice(0, sentenceCharsMax).replace(
    /^(?:(?:re|aw|fwd?|wg|antw)\s?:\s?)+/i,
    "",
  )
  const sentences = [...(title === "" ? [] : [title]), ...sentencesOf(written)]
  const intents = new Map<string, number>()
  const quotes = new Set<string>()
  let instructs = false
  let unsubscribes = false
  const quote = (sentence: string, at: number) => {
    if (quotes.size < quotesMax) quotes.add(quoteOf(sentence, at))
  }
  for (const [index, sentence] of sentences.entries()) {
    const isTitle = index === 0 && title !== ""
    const instruction = firstMatch(instructing, sentence)
    if (instruction !== undefined) {
      instructs = true
      quote(sentence, instruction)
      continue
    }
    if (isUnsubscribing(sentence) && (!isTitle || written.length < sentenceCharsMax)) {
      unsubscribes = true
      quote(sentence, firstMatch(unsubscribing, sentence) ?? 0)
      continue
    }
    if (isTitle) continue
    for (const rule of rules) {
      if (intents.has(rule.intent)) continue
      const at = firstMatch(rule.says, sentence)
      if (at === undefined) continue
      if (rule.and !== undefined && !rule.and.test(sentence)) continue
      if (rule.not?.test(sentence) === true) continue
      intents.set(rule.intent, rule.warmth)
      if (rule.intent !== "thanks" && rule.intent !== "asks") quote(sentence, at)
    }
  }
  if (intents.has("declines")) intents.delete("accepts")
  const sum = [...intents.values()].reduce((total, one) => total + one, warmthOfWriting)
  const warmth = instructs || unsubscribes ? Math.min(0, sum) : sum
  return {
    signals: {
      reader,
      warmth: Math.max(-100, Math.min(100, warmth)),
      intents: [...intents.keys()],
      instructsReader: instructs,
    },
    quotes: [...quotes],
    unsubscribes,
  }
}

/** Intents in words. */
const phrases: Readonly<Record<string, string>> = {
  asksPrice: "asks for a price",
  namesBudget: "names a budget",
  namesDate: "names a date",
  asksMeeting: "asks for a meeting",
  asksQuestion: "asks a question",
  asks: "asks something",
  thanks: "says thanks",
}
/** `asksPrice` → `asks for a price`. */
export const phraseOf = (intent: string) =>
  phrases[intent] ?? intent.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
