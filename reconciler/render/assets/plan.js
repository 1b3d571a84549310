"use strict";
// Search, filter and the graph. Everything is readable without; texts are only ever read from the page, never written as markup.
(() => {
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const root = document.documentElement;
  root.classList.add("js");

  const changes = all(".change");
  const nodes = all(".n");
  const nodeOf = new Map(nodes.map((node) => [node.getAttribute("href").slice(1), node]));
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const boxes = all(".filters input[type=checkbox]");
  const texts = new Map();

  const textOf = (change) => {
    if (!texts.has(change)) texts.set(change, change.textContent.toLowerCase());
    return texts.get(change);
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const change of changes) {
      const fits = wanted.has(change.classList[1]) && words.every((word) => textOf(change).includes(word));
      change.hidden = !fits;
      shown += fits ? Number(change.dataset.count || 1) : 0;
      nodeOf.get(change.id)?.classList.toggle("out", !fits);
    }
    for (const wave of all(".wave-group")) wave.hidden = !all(".change", wave).some((change) => !change.hidden);
    const total = changes.reduce((sum, change) => sum + Number(change.dataset.count || 1), 0);
    status.textContent = shown === total ? `${total} changes` : `${shown} of ${total} changes shown`;
  };

  let waiting = 0;
  const filterSoon = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  };
  if (search) {
    search.addEventListener("input", filterSoon);
    for (const box of boxes) box.addEventListener("change", filter);
    const openAll = (open) => changes.forEach((change) => { if (!change.hidden && change.tagName === "DETAILS") change.open = open; });
    document.getElementById("open-all").addEventListener("click", () => openAll(true));
    document.getElementById("close-all").addEventListener("click", () => openAll(false));
  }

  // one change, from wherever it is pointed to

  const show = (id) => {
    const change = document.getElementById(id);
    if (!change || !change.classList.contains("change")) return;
    if (change.hidden) {
      search.value = "";
      boxes.forEach((box) => { box.checked = true; });
      filter();
    }
    change.open = true;
    (change.querySelector("summary") || change).focus({ preventScroll: true });
    change.scrollIntoView({ block: "start" });
  };
  const follow = () => { if (location.hash.length > 1) show(location.hash.slice(1)); };
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#c"]');
    if (link && link.getAttribute("href") === location.hash) show(location.hash.slice(1));
  });

  // the graph

  const picture = document.querySelector("#graph .scroll svg");
  if (picture) {
    const near = new Map(nodes.map((node) => [node.id, new Set([node])]));
    const edges = new Map(nodes.map((node) => [node.id, []]));
    for (const edge of all(".edges path", picture)) {
      const [from, to] = [`n${edge.dataset.from}`, `n${edge.dataset.to}`];
      for (const [one, other] of [[from, to], [to, from]]) {
        near.get(one).add(document.getElementById(other));
        edges.get(one).push(edge);
      }
    }
    const picked = document.getElementById("picked");
    const hint = picked.textContent;
    const pick = (node) => {
      picked.textContent = node ? node.querySelector("title").textContent : hint;
      all(".near", picture).forEach((one) => one.classList.remove("near"));
      picture.classList.toggle("picked", Boolean(node));
      if (!node) return;
      near.get(node.id).forEach((one) => one.classList.add("near"));
      edges.get(node.id).forEach((one) => one.classList.add("near"));
    };
    const nodeAt = (event) => event.target.closest(".n");
    picture.addEventListener("mouseover", (event) => pick(nodeAt(event)));
    picture.addEventListener("mouseleave", () => pick(null));
    picture.addEventListener("focusin", (event) => pick(nodeAt(event)));
    picture.addEventListener("focusout", () => pick(null));

    // One stop for the Tab key; arrows go from node to node.
    const place = (node) => {
      const shape = node.querySelector("use");
      return { x: Number(shape.getAttribute("x")), y: Number(shape.getAttribute("y")) };
    };
    const step = (from, key) => {
      const here = place(from);
      const along = (node) => {
        const [dx, dy] = [place(node).x - here.x, place(node).y - here.y];
        const [ahead, aside] = { ArrowRight: [dx, dy], ArrowLeft: [-dx, dy], ArrowDown: [dy, dx], ArrowUp: [-dy, dx] }[key];
        return ahead > 0 ? ahead + 3 * Math.abs(aside) : Infinity;
      };
      const best = nodes.reduce((one, other) => (along(other) < along(one) ? other : one), from);
      return along(best) < Infinity ? best : from;
    };
    picture.addEventListener("keydown", (event) => {
      const node = nodeAt(event);
      if (!node) return;
      let next = null;
      if (event.key.startsWith("Arrow")) next = step(node, event.key);
      if (event.key === "Home") next = nodes[0];
      if (event.key === "End") next = nodes[nodes.length - 1];
      if (!next) return;
      event.preventDefault();
      node.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  }

  // keys, theme, print

  document.addEventListener("keydown", (event) => {
    const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !writing && search && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      filter();
    }
  });
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = changes.filter((change) => change.tagName === "DETAILS" && !change.open);
    opened.forEach((change) => { change.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((change) => { change.open = false; }));

  follow();
})();
