// Keeps the page up to date without a reload: the same page is fetched again, and its parts take the place of the old ones.
// What is open stays open, what has the focus keeps it, and what is being marked is left alone.
"use strict";
(() => {
  const period = 5000;
  const parts = ["main", "foot"];
  const lost = document.getElementById("lost");

  function take(fresh) {
    const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
    const focused = document.activeElement;
    const place = focused && focused.closest("main, footer") && [focused.tagName, focused.id, focused.textContent];
    for (const id of parts) {
      const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
      if (old && next && old.innerHTML !== next.innerHTML) old.replaceChildren(...next.childNodes);
    }
    for (const id of open) {
      const each = document.getElementById(id);
      if (each) each.open = true;
    }
    if (place && !document.activeElement.closest("main, footer")) {
      const same = [...document.querySelectorAll("main a, main summary, footer a")].find((each) =>
        each.tagName === place[0] && each.id === place[1] && each.textContent === place[2]);
      if (same) same.focus({ preventScroll: true });
    }
    // Only a change is read out.
    const [old, next] = [document.getElementById("verdict"), fresh.getElementById("verdict")];
    if (old && next && old.textContent !== next.textContent) old.replaceChildren(...next.childNodes);
    document.querySelector("header").className = fresh.querySelector("header").className;
    if (document.title !== fresh.title) document.title = fresh.title;
  }

  function tell(text) {
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = !text;
  }

  async function renew() {
    const isMarking = !getSelection().isCollapsed;
    if (document.hidden || isMarking) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(period) });
      if (!answer.ok) throw new Error();
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tell("");
    } catch {
      tell("market-chatd does not answer: what you see is old.");
    }
  }

  async function turn() {
    await renew();
    setTimeout(turn, period);
  }
  setTimeout(turn, period);
  document.addEventListener("visibilitychange", renew);
})();
