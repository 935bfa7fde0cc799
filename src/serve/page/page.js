// Pages are whole without this. With it, counts change as the store does, lists are fetched anew, and a query is
// checked and completed as it is typed.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const group = new Intl.NumberFormat("en-US");
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const grouped = (count) => group.format(count);

  // Only the last answer of each kind counts: an older one that comes late is let go.
  const turns = new Map();
  async function ask(kind, address, options) {
    const turn = (turns.get(kind) || 0) + 1;
    turns.set(kind, turn);
    try {
      const answer = await fetch(address, options);
      const text = await answer.text();
      return turns.get(kind) === turn ? { status: answer.status, text } : null;
    } catch {
      return null;
    }
  }
  const post = (kind, address, body) =>
    ask(kind, address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  // Parts of the page, from its own address.
  async function refresh(element) {
    const part = element.dataset.part;
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("part", part);
    const find = part === "side" && $(".side input[name=g]");
    if (find) address.searchParams.set("g", find.value);
    const answer = await ask(`part ${part}`, address);
    if (!answer || answer.status !== 200) return;
    if (part === "side") {
      const held = document.createElement("template");
      held.innerHTML = answer.text;
      const inner = held.content.querySelector("[data-part=side]");
      if (inner) replace(element, inner.innerHTML);
    } else if (!element.querySelector("details[open]")) {
      replace(element, answer.text);
    }
  }

  // What has the focus keeps it, if it is still there.
  function replace(element, html) {
    if (element.innerHTML === html) return;
    const held = element.contains(document.activeElement) && document.activeElement;
    const href = held && held.getAttribute("href");
    element.innerHTML = html;
    if (href) {
      const again = all("a", element).find((link) => link.getAttribute("href") === href);
      if (again) again.focus({ preventScroll: true });
    }
  }

  // Whatever anybody changes in the store is told here.
  let seen = null;
  let waiting = null;
  function refreshSoon() {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = null;
      all("main [data-part]").filter((element) => element.dataset.part !== "preview").forEach(refresh);
      all("form[data-query]").forEach((form) => form.check && form.check());
    }, 300);
  }
  function listen() {
    const sign = $("#live");
    if (!sign || !window.EventSource) return;
    const source = new EventSource("/api/events?view=counts");
    source.onopen = () => {
      sign.className = "live on";
      sign.textContent = "live";
    };
    source.onerror = () => {
      sign.className = "live off";
      sign.textContent = "connecting again …";
    };
    source.addEventListener("counts", (event) => {
      const told = JSON.parse(event.data);
      let isUnknown = told.gone.length > 0;
      for (const [uuid, [count, status]] of Object.entries(told.groups)) {
        const places = all(`[data-count="${CSS.escape(uuid)}"]`);
        if (!places.length && !told.first) isUnknown = true;
        for (const place of places) {
          const text = grouped(count);
          if (place.textContent === text) continue;
          place.textContent = text;
          place.classList.remove("changed");
          void place.offsetWidth;
          place.classList.add("changed");
        }
        if (status !== "ready" && !told.first) isUnknown = true;
      }
      if (isUnknown) all("[data-part=side]").forEach(refresh);
      if (seen !== null && seen !== told.commits) refreshSoon();
      seen = told.commits;
    });
  }

  // A query box.
  function queryBox(form) {
    const text = $("textarea", form);
    const under = $(".under", form);
    const told = $(".told", form);
    const offers = $(".offers", form);
    const field = form.dataset.query;
    let chosen = -1;
    let start = 0;

    const bytes = (string) => encoder.encode(string);
    const chars = (string, end) => decoder.decode(bytes(string).slice(0, end)).length;

    function grow() {
      text.style.height = "auto";
      text.style.height = `${text.scrollHeight}px`;
    }

    function mark(spans) {
      under.textContent = "";
      const value = text.value;
      let from = 0;
      for (const [a, b] of spans) {
        let [begin, end] = [chars(value, a), chars(value, b)];
        if (begin >= end) [begin, end] = begin < value.length ? [begin, begin + 1] : [Math.max(0, begin - 1), begin];
        if (begin < from) continue;
        under.append(value.slice(from, begin));
        const wrong = document.createElement("u");
        wrong.textContent = value.slice(begin, end);
        under.append(wrong);
        from = end;
      }
      under.append(value.slice(from));
    }

    function say(...parts) {
      told.textContent = "";
      told.append(...parts);
    }

    form.check = async () => {
      const query = text.value;
      if (!query.trim()) {
        mark([]);
        told.className = "told";
        say("");
        text.removeAttribute("aria-invalid");
        return true;
      }
      const answer = await post(`check ${field}`, "/api/query", { query, count: true });
      if (!answer) return false;
      const body = JSON.parse(answer.text);
      if (answer.status === 422) {
        const errors = body.errors || [body];
        mark(errors.map((error) => error.span).sort((a, b) => a[0] - b[0]));
        text.setAttribute("aria-invalid", "true");
        told.className = "told bad";
        say(errors.map((error) => error.error).join("; "));
        return false;
      }
      if (answer.status !== 200) return false;
      mark([]);
      text.removeAttribute("aria-invalid");
      told.className = "told soft";
      const count = document.createElement("b");
      count.textContent = grouped(body.total);
      say(count, body.total === 1 ? " contact matches · " : " contacts match · ", body.query);
      return true;
    };

    // The address holds what has been typed, so that nothing of it is lost.
    function keep() {
      const address = new URL(location.href);
      if (text.value) address.searchParams.set(field, text.value);
      else address.searchParams.delete(field);
      if (field === "q") address.searchParams.delete("offset");
      history.replaceState(null, "", address);
    }

    let timer = null;
    text.addEventListener("input", () => {
      grow();
      mark([]);
      clearTimeout(timer);
      timer = setTimeout(async () => {
        keep();
        const isValid = await form.check();
        if (isValid) all("main [data-part=results]").forEach(refresh);
        all("main [data-part=preview]").forEach(refresh);
      }, 160);
      complete();
    });

    async function complete() {
      const before = text.value.slice(0, text.selectionEnd);
      const body = { text: text.value, position: bytes(before).length };
      const answer = await post("complete", "/api/complete", body);
      if (!answer || answer.status !== 200 || document.activeElement !== text) return close();
      const told = JSON.parse(answer.text);
      start = chars(text.value, told.start);
      const begun = before.slice(start).toLowerCase();
      const useful = told.candidates.filter((candidate) => candidate.toLowerCase() !== begun);
      if (!useful.length || (!begun && !before.trim())) return close();
      offers.textContent = "";
      useful.slice(0, 12).forEach((candidate, at) => {
        const item = document.createElement("li");
        item.id = `offer-${at}`;
        item.role = "option";
        item.setAttribute("aria-selected", "false");
        item.dir = "auto";
        item.textContent = candidate;
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(at);
        });
        offers.append(item);
      });
      chosen = -1;
      text.removeAttribute("aria-activedescendant");
      offers.hidden = false;
      text.setAttribute("aria-expanded", "true");
    }

    function close() {
      offers.hidden = true;
      chosen = -1;
      text.setAttribute("aria-expanded", "false");
      text.removeAttribute("aria-activedescendant");
    }

    function choose(next) {
      const items = all("li", offers);
      if (items[chosen]) items[chosen].setAttribute("aria-selected", "false");
      chosen = (next + items.length) % items.length;
      items[chosen].setAttribute("aria-selected", "true");
      items[chosen].scrollIntoView({ block: "nearest" });
      text.setAttribute("aria-activedescendant", items[chosen].id);
    }

    function take(at) {
      const candidate = all("li", offers)[at].textContent;
      const end = text.selectionEnd;
      const rest = text.value.slice(end);
      const space = rest.startsWith(" ") || candidate === "(" ? "" : " ";
      text.value = text.value.slice(0, start) + candidate + space + rest;
      const cursor = start + candidate.length + space.length;
      text.setSelectionRange(cursor, cursor);
      close();
      text.dispatchEvent(new Event("input"));
    }

    text.addEventListener("keydown", (event) => {
      const isOpen = !offers.hidden;
      if (isOpen && event.key === "ArrowDown") choose(chosen + 1);
      else if (isOpen && event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
      else if (isOpen && event.key === "Escape") close();
      else if (isOpen && event.key === "Tab" && !event.shiftKey && chosen >= 0) take(chosen);
      else if (isOpen && event.key === "Enter" && chosen >= 0) take(chosen);
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        close();
        const first = $("button[type=submit]:not([formmethod])", form) || $("button[type=submit]", form);
        form.requestSubmit(first);
      } else return;
      event.preventDefault();
    });
    text.addEventListener("blur", () => setTimeout(close, 150));
    grow();
    if (text.value) form.check();
  }

  all("form[data-query]").forEach(queryBox);
  all("form[data-auto] select").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));

  // The groups at the side, searched as one types.
  all("input[data-find]").forEach((input) => {
    let timer = null;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => all("[data-part=side]").forEach(refresh), 150);
    });
  });
  // `/` goes to the query, as people are used to.
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      const text = $("form[data-query] textarea") || $("input[type=search]");
      if (text) {
        text.focus();
        event.preventDefault();
      }
    }
  });
  listen();
})();
