/**
 * The page as a founder uses it, in the system's Chromium: decisions by keyboard, what others do appears
 * by itself, and what strangers write stays text.
 */
import { afterEach, describe, expect, test } from "vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { chromiumPath, type Looks, type Opened, opened } from "./browser.ts"

if (chromiumPath === undefined) {
  console.warn(
    "SKIPPED: the tests of the page. No Chromium is installed here: apt-get install chromium, or name one in CHROMIUM.",
  )
}

const open: Array<Opened> = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** Signed in by the link, before the brief; what the page complains of is collected. */
const before = async (looks: Looks = {}) => {
  const one = await opened(looks)
  open.push(one)
  const complaints: Array<string> = []
  one.page.on("console", (said) => {
    if (said.type() === "error") complaints.push(said.text())
  })
  one.page.on("pageerror", (error) => complaints.push(error.message))
  await one.page.goto(one.link())
  if (looks.scripts === false) await one.page.click("button.primary")
  await one.page.waitForURL(`${one.url}/`)
  return { ...one, complaints }
}

const waiting = (page: Page) => page.locator("[data-approval]").count()
const note = (page: Page) => page.locator("#note")
const text = (page: Page) => note(page).innerText()
const press = async (page: Page, ...keys: ReadonlyArray<string>) => {
  for (const key of keys) await page.keyboard.press(key)
}
/** The id of the item that has the focus. */
const focused = (page: Page): Promise<string> =>
  page.evaluate("document.activeElement?.closest('[data-item]')?.id ?? ''")

describe.skipIf(chromiumPath === undefined)("the brief in a browser", () => {
  test("approve and undo by keyboard", async () => {
    const { complaints, page } = await before()
    expect(await page.title()).toBe("(3) Brief · AIOS")
    await press(page, "j", "a")
    await note(page).getByText("Approved. Done: outbox/ada.eml").waitFor()
    expect(await waiting(page)).toBe(2)
    expect(await page.title()).toBe("(2) Brief · AIOS")
    // The eye stays where it was, and the next key decides on what stands there now.
    expect(await focused(page)).toContain("item-2222")
    await press(page, "u")
    await note(page).getByText("Taken back").waitFor()
    expect(await waiting(page)).toBe(3)
    expect(complaints).toEqual([])
  })

  test("what was promised is done; a draft is read, sent back with a reason, or passed", async () => {
    const { complaints, page } = await before()
    await page.getByRole("button", { name: "Done with Tomas Reyes" }).click()
    await note(page).getByText("It is dealt with.").waitFor()
    expect(await page.getByText("You promised Tomas Reyes").count()).toBe(0)
    await page.getByText("Send back", { exact: true }).first().click()
    await page.keyboard.press("Tab")
    await page.keyboard.type("pricing is missing")
    await page.keyboard.press("Enter")
    await note(page).getByText("Newsletter 47: Sent back (pricing is missing).").waitFor()
    expect(await page.getByRole("button", { name: "Pass review" }).count()).toBe(0)
    expect(complaints).toEqual([])

    const other = await before()
    await other.page.getByRole("link", { name: "read the draft" }).click()
    await other.page.waitForURL(/articles\/newsletter-47/)
    expect(await other.page.locator(".letter").innerText()).toContain("Dear reader,")
    await other.page.getByRole("button", { name: "Pass review" }).click()
    await note(other.page).getByText("The review is passed.").waitFor()
    expect(other.complaints).toEqual([])
  })

  test("only the first draft stands open; whichever the keys lead to is read first", async () => {
    const { page } = await before()
    const drafts = page.locator("details.draft")
    const open = page.locator("details.draft[open]")
    expect(await drafts.count()).toBe(3)
    expect(await open.count()).toBe(1)
    expect(await page.locator(".letter:visible").count()).toBe(1)
    await press(page, "j", "j")
    expect(await focused(page)).toContain("item-2222")
    expect(await open.count()).toBe(2)
    // What was opened stays so when something happens.
    await press(page, "a")
    await note(page).getByText("Approved. Done").waitFor()
    expect(await page.locator("#item-11111111-0000-8000-8000-000000000000 .letter:visible").count())
      .toBe(1)
  })

  test("a draft says how it was made, and what it rests on leads to where it is from", async () => {
    const { page } = await before()
    const first = page.locator("details.draft").first()
    expect(await first.locator("summary").first().innerText())
      .toContain("written by gemma3:270m, from 1 memory")
    const cite = first.locator(".cites li")
    expect(await cite.innerText()).toContain("“two sponsorships, as last year”")
    expect(await cite.locator("a").getAttribute("href")).toMatch(/^\/why\/[0-9a-f-]{36}$/)
    expect(await page.locator("details.draft").nth(2).locator("summary").first().innerText())
      .toContain("made by a template; a model's draft was not taken: it invents an amount")
  })

  test("a without an item in focus approves nothing", async () => {
    const { page } = await before()
    await press(page, "a")
    await page.waitForTimeout(300)
    expect(await waiting(page)).toBe(3)
  })

  test("edit by keyboard gives a new draft with what was typed", async () => {
    const { page } = await before()
    await press(page, "j", "e")
    const field = page.locator("textarea:visible")
    expect(await field.inputValue()).toMatch(/^Hi Ada,\n\ntwo sponsorships/)
    // Letters in a field are letters.
    await field.fill("Hi Ada,\n\njkaeu?")
    expect(await waiting(page)).toBe(3)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await note(page).getByText("Saved as a new draft").waitFor()
    expect(await text(page)).toContain("+ text: Hi Ada,")
    expect(await page.locator("#approval-44444444-0000-8000-8000-000000000000").innerText())
      .toContain("jkaeu?")
    expect(await page.locator("textarea:visible").count()).toBe(0)
  })

  test("reject wants a reason; later has times", async () => {
    const { company, page } = await before()
    await press(page, "j", "j", "r")
    await page.keyboard.press("Enter")
    expect(await waiting(page)).toBe(3)
    await page.keyboard.type("too early")
    await page.keyboard.press("Enter")
    await note(page).getByText("It will not be done (too early)").waitFor()
    expect(company.decided.map((one) => one.decision)).toEqual(["rejected"])
    await press(page, "k", "l")
    await page.keyboard.press("Enter")
    await note(page).getByText("Later. It comes back then.").waitFor()
    expect(await waiting(page)).toBe(1)
  })

  test("what happens elsewhere appears, and takes nothing away from who is typing", async () => {
    const { company, page } = await before({ height: 500 })
    await page.getByText("live", { exact: true }).waitFor()
    await press(page, "j", "j", "j", "e")
    const field = page.locator("textarea:visible")
    await field.fill("half a sentence")
    const scrolled = await page.evaluate<number>("scrollY")
    expect(scrolled).toBeGreaterThan(0)
    await Effect.runPromise(company.arrive)
    await page.locator("#approval-55555555-0000-8000-8000-000000000000").waitFor()
    expect(await waiting(page)).toBe(4)
    expect(await field.inputValue()).toBe("half a sentence")
    expect(await page.evaluate("document.activeElement.tagName")).toBe("TEXTAREA")
    expect(await page.evaluate<number>("scrollY")).toBe(scrolled)
  })

  test("keys are explained, and Escape closes", async () => {
    const { page } = await before()
    await press(page, "?")
    expect(await page.locator("#help").isVisible()).toBe(true)
    expect(await page.locator("#help").innerText()).toContain("reject, with a reason")
    await press(page, "Escape")
    expect(await page.locator("#help").isVisible()).toBe(false)
    await press(page, "j", "r", "Escape")
    expect(await page.locator("details[data-act][open]").count()).toBe(0)
    expect(await focused(page)).toContain("item-1111")
  })

  test("the first Tab is the way past the navigation", async () => {
    const { page } = await before()
    await press(page, "Tab")
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content")
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
      .toBe("solid")
  })

  test("what strangers write is text: nothing runs, nothing links, nothing turns around", async () => {
    const { complaints, page } = await before()
    const approval = page.locator("#approval-33333333-0000-8000-8000-000000000000")
    await approval.locator("details.draft > summary").click()
    const letter = approval.locator(".letter")
    const shown = await letter.innerText()
    expect(shown).toContain("<script>document.title='owned'</script>")
    expect(shown).toContain("https://phishing.example/login")
    expect(shown).not.toMatch(/[\u202a-\u202e\u{e0000}-\u{e007f}]/u)
    expect(await letter.locator("a, img, script").count()).toBe(0)
    expect(await page.locator("main").getByRole("link", { name: "phishing" }).count()).toBe(0)
    expect(await page.title()).not.toContain("owned")
    expect(complaints).toEqual([])
  })

  test("the policy lets nothing in that is not ours", async () => {
    const { complaints, page, url } = await before()
    const headers = (await page.request.get(`${url}/`)).headers()
    expect(headers["content-security-policy"]).toContain("default-src 'none'")
    expect(headers["content-security-policy"]).not.toContain("unsafe")
    expect(await page.locator("script:not([src]), style, [style], [onclick]").count()).toBe(0)
    for (const path of ["/", "/agents", "/people", "/reports"]) await page.goto(`${url}${path}`)
    expect(complaints).toEqual([])
  })

  test("the link works once", async () => {
    const one = await opened()
    open.push(one)
    const link = one.link()
    // A preview that only gets it uses nothing up.
    expect((await one.page.request.get(link)).status()).toBe(200)
    await one.page.goto(link)
    await one.page.waitForURL(`${one.url}/`)
    await one.page.context().clearCookies()
    await one.page.goto(link)
    await one.page.getByText("was used already").waitFor()
  })

  test.each([
    [390, false],
    [390, true],
    [1440, false],
    [1440, true],
  ])("fits %i px without scrolling sideways (dark: %s)", async (width, dark) => {
    const { page, url } = await before({ width, dark, height: 844 })
    for (const path of ["/", "/agents", "/people", "/reports"]) {
      await page.goto(`${url}${path}`)
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width)
    }
    const paper = await page.evaluate<string>(
      "getComputedStyle(document.documentElement).backgroundColor",
    )
    const light = Number(/\d+/.exec(paper)?.[0]) > 128
    expect(light).toBe(!dark)
    const small = await page.evaluate<ReadonlyArray<string>>(
      "[...document.querySelectorAll('body *')].filter((one) => one.innerText?.trim() && " +
        "parseFloat(getComputedStyle(one).fontSize) < 16).map((one) => one.outerHTML)",
    )
    expect(small).toEqual([])
  })

  test("without scripts: in, read, approve, undo", async () => {
    const { page } = await before({ scripts: false })
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Tuesday 24 November")
    await page.getByRole("button", { name: /^Approve Mail to Ada/ }).click()
    expect(await text(page)).toContain("Approved. Done")
    expect(await waiting(page)).toBe(2)
    await note(page).getByRole("button", { name: "Undo" }).click()
    expect(await text(page)).toContain("Taken back")
    expect(await waiting(page)).toBe(3)
  })
})
