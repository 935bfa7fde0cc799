// Runs in a copy of the page: tells the page around it what can be measured of it.
addEventListener("load", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  const box = element => element.getBoundingClientRect();
  const name = element => `${element.tagName} ${element.getAttribute("class") ?? ""} "${element.textContent.trim().slice(0, 40)}"`;

  const overlapping = [];
  for (const svg of document.querySelectorAll("svg")) {
    const labels = [...svg.querySelectorAll("text")];
    labels.forEach((a, at) => {
      for (const b of labels.slice(at + 1)) {
        const [p, q] = [box(a), box(b)];
        if (p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom) {
          overlapping.push(`${a.textContent} | ${b.textContent}`);
        }
      }
    });
  }

  // What is cut off on purpose, or hidden for the eyes, is passed over.
  const hidden = element => element.closest(".vh, .query, .scroll, svg .hit") !== null;
  const sticking_out = [];
  for (const card of document.querySelectorAll(".card, .wide, .figure, .look, header")) {
    const outer = box(card);
    for (const element of card.querySelectorAll("*")) {
      const inner = box(element);
      const overflows = element instanceof HTMLElement && getComputedStyle(element).display !== "inline"
        && getComputedStyle(element).overflow === "visible" && element.scrollWidth > element.clientWidth + 1;
      if (overflows && !hidden(element)) sticking_out.push(name(element));
      if (inner.width > 0 && !hidden(element) && (inner.right > outer.right + 1.5 || inner.left < outer.left - 1.5)) {
        sticking_out.push(name(element));
      }
    }
  }

  const channels = color => color.match(/[\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).slice(0, 3).map(c => c / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  let least_contrast = Infinity;
  for (const element of document.querySelectorAll("h1, h2, h3, p, a, th, td, li, b, small, dt, summary, text, .kind, .query")) {
    const style = getComputedStyle(element);
    const [a, b] = [luminance(element.tagName === "text" ? style.fill : style.color), luminance(ground(element))];
    least_contrast = Math.min(least_contrast, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }

  const root = document.documentElement;
  const measured = JSON.stringify({
    width: innerWidth,
    scroll_width: root.scrollWidth,
    height: root.scrollHeight,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    resources: performance.getEntriesByType("resource").length,
    overlapping,
    sticking_out: [...new Set(sticking_out)],
    least_contrast,
    title: document.title,
  });
  parent.postMessage(measured, "*");
});
