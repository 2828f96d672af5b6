// Posts the one-time code. A page that is only rendered ahead of time waits until somebody looks at it.
const form = document.querySelector("#enter")
const submit = () => form?.requestSubmit()
if (document.prerendering) document.addEventListener("prerenderingchange", submit, { once: true })
else if (document.visibilityState === "hidden") {
  document.addEventListener("visibilitychange", submit, { once: true })
} else submit()
