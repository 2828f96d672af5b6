/**
 * Which words of a text may be names: capitals where the language would not write any. English capitals
 * in the middle of a sentence are names; German writes every noun with one, so there a word counts
 * unless something stands in front of it that goes with nouns, or it is a common noun. At the start of a
 * sentence a word counts unless it is one that sentences begin with.
 */

/** Text beyond is not read. */
const charsMax = 60_000
const wordsMax = 4_000

/** Words that begin a sentence, or are written with a capital, and are no names. */
const common = new Set(
  ("a about after again all also although an and another any are as asked at attached based because before " +
    "being both but by can client company could currently customer did do does during each either " +
    "email emails mail mails even every finally first following for from further given had has have he hello hi dear " +
    "her here his how however i if in instead invoice it its just last later let lastly many may maybe me " +
    "meanwhile meeting message more most my next no none not note nothing now of offer on once one only " +
    "or our otherwise over overall payment people perhaps person please price pricing project regarding " +
    "reply request second several she should since so some soon still such summary thank thanks that the their " +
    "them then there therefore these they this those three thread through to today together tomorrow two under until " +
    "unfortunately up update us was we were what when where whether which while who why will with within " +
    "without would yes yesterday yet you your best kind regards sincerely cheers greetings looking " +
    "i'm i'll i've i'd we'll we're we've it's that's let's you'll you're ok okay ps re fwd vat eur usd gbp chf euro euros dollar dollars franken " +
    "write see find call send pay ask use take check contact between among great good happy glad sorry hope " +
    "following further having being here's there's who's what's where's how's don't can't won't isn't aren't doesn't " +
    "could would should might must can able agreed noted confirmed enclosed welcome apologies sure certainly " +
    "of course as per each same other others none nobody somebody everybody someone everyone anyone early late " +
    "morning afternoon evening section sections reader readers page list item items draft text note notes " +
    "question questions answer answers subject date day week month year open agreed due paid founder sender recipient " +
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august " +
    "september october november december jan feb mar apr jun jul aug sep sept oct nov dec " +
    // German
    "aber alle allen alles als am an auch auf aus bei beide bis bitte da daher damit danach danke dann das dass " +
    "dein deine dem den denn der des deshalb dich die dies diese diesen dieser dieses dir doch du durch ein eine einen einer " +
    "eines er es etwas euch euer fall falls für gerne gern gibt guten hallo hat heute hier ich ihm ihn ihnen ihr " +
    "ihre ihren ihrer im in ist ja jetzt jede jeder kann kein keine können könnten lieber liebe liebes man mein " +
    "meine mich mir mit nach nachdem nächste nein nicht nichts noch nun nur ob oder ohne sehr sein seine seit " +
    "sich sie sind so sobald soll sollen sowie um und uns unser unsere unter viele vielen von vor wann war " +
    "warum was weil wenn wer werden wie wir wird wo zu zudem zum zur zwei drei außerdem schöne herzliche beste " +
    "montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz mai juni juli oktober dezember " +
    "mfg lg mwst ust").split(" "),
)
/** Nouns of the trade: written with a capital in German, and no names. */
const germanNouns = new Set(
  ("abbuchung abgabe abonnement abo absage absatz adresse anfang anfrage anfragen angaben angebot angebote anhang " +
    "anliegen anlage anruf ansprechpartner antwort antworten anzahlung anzeige arbeit artikel aufmerksamkeit auftrag " +
    "ausgabe ausgaben bearbeitung beitrag bescheid beschwerde bestellung bestätigung besuch betrag beträge betreff " +
    "bezahlung bild bilder brief buchung budget daten datum dank details e-mail ende entscheidung entschuldigung entwurf " +
    "erinnerung erstattung euro fehler fotos fragen frage frau freude frist geduld geld gespräch " +
    "gespräche grund gruß grüße gründer gutschrift herr hilfe hinweis honorar idee ihnen informationen " +
    "inhalt interesse jahr jahre karte konto kontakt kosten kunde kunden kundin lösung mahnung mail mails menschen " +
    "milliarde milliarden million millionen mio mitarbeiter mittag monat abend morgen nachmittag nachricht nachrichten newsletter ordnung paket partner person personen " +
    "platz plätze preis preise preisliste produkt problem projekt punkt rabatt rechnung rechnungen rest rückfrage " +
    "rückmeldung rückerstattung sache samstag schritt schritte seite seiten service sponsoring stand start summe tag " +
    "tage tagen teilnehmer team telefon termin termine text texte thema themen treffen uhr unterlagen unterschrift " +
    "verfügung verlängerung vertrag verzögerung vorschlag vorschläge website werktage wert woche wochen workshop " +
    "wunsch zahlung zahlungen zeit zeile ziel zukunft zusage zusammenarbeit zusammenfassung").split(
      " ",
    ),
)
/** What goes in front of a German noun; names have none of it in writing. */
const beforeNoun =
  /^(?:de[rmns]|die|das|dies(?:e[rmns]?)?|ein(?:e[rmns]?)?|kein(?:e[rmns]?)?|[mds]ein(?:e[rmns]?)?|ihre?[rmns]?|unser(?:e[rmns]?)?|jede[rmns]?|welche[rmns]?|zu[mr]|i[mn]s?|am|beim|vom|zwei|drei|vier|fünf|alle|viele|mehr|pro|per|\p{Ll}{3,20}(?:e|en|er|es|em))$/iu

const token = /[\p{L}][\p{L}\p{M}'’&.-]{0,40}/gu

/** A word without what is put behind it: `Ada's`, `Weiss.` */
const bare = (word: string) => word.replace(/['’]s?$/i, "").replace(/[.'’&-]+$/, "")

const sources = (text: string): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const [hit] of text.normalize("NFC").matchAll(token)) {
    const word = bare(hit).toLowerCase()
    found.add(word)
    for (const part of word.split(/['’.&-]/)) if (part !== "") found.add(part)
  }
  return found
}
export const wordsOf = sources

const isKnown = (word: string, known: ReadonlySet<string>): boolean => {
  const lower = word.toLowerCase()
  const variants = [
    lower,
    lower.replace(/s$/, ""),
    lower.replace(/(?:n|en|es|e)$/, ""),
    `${lower}s`,
    `${lower}n`,
  ]
  return variants.some((one) => one.length > 1 && known.has(one)) ||
    (lower.includes("-") &&
      lower.split("-").every((part) => part.length < 2 || known.has(part) || common.has(part)))
}

/** The words of a text that may be names and that none of the known words is. */
export const unknownNames = (
  text: string,
  known: ReadonlySet<string>,
  isGerman: boolean,
): ReadonlyArray<string> => {
  const found = new Set<string>()
  const plain = text.normalize("NFC").slice(0, charsMax)
  const hits = [...plain.matchAll(token)].slice(0, wordsMax)
  for (const [n, hit] of hits.entries()) {
    const word = bare(hit[0])
    if (!/^\p{Lu}/u.test(word) || word.length < 2) continue
    const lower = word.toLowerCase()
    if (common.has(lower) || isKnown(word, known)) continue
    const before = plain.slice(0, hit.index)
    const starts = /(?:^|[.!?:;…]["”“)']{0,2}\s+|\n\s*(?:[-*•>]|\d{1,2}[.)])?\s*|["“„(]\s*)$/u.test(
      before,
    )
    const next = hits[n + 1]
    const nextIsName = next !== undefined && /^\p{Lu}/u.test(next[0]) &&
      /^[ -]$/.test(plain.slice(hit.index + hit[0].length, next.index))
    if (isGerman) {
      if (germanNouns.has(lower) || germanNouns.has(lower.replace(/(?:n|en|es|s|e)$/, ""))) continue
      // `Anzahlungsrechnung` is one of the words that end it.
      if (
        lower.length > 9 && [...germanNouns].some((noun) => noun.length > 3 && lower.endsWith(noun))
      ) continue
      if (/(?:ung|ungen|heit|keit|schaft|tion|tionen|ität|ismus)s?$/.test(lower)) continue
      const previous = hits[n - 1]?.[0] ?? ""
      if (!starts && beforeNoun.test(previous) && !nextIsName) continue
    } else if (starts && !nextIsName && /(?:ly|ing|ed)$/.test(lower)) continue
    found.add(word)
  }
  return [...found]
}
