// The report: shows pictures that stand in the page more than once, sorts and filters the table, opens the compare tools.
(() => {
  const at = (id) => document.getElementById(id);

  // --- groups of a large report come out of their templates as they are scrolled to, or when there is time ------------
  const hidden = new Set(document.querySelectorAll(".group.inert"));
  function bring(group) {
    if (!hidden.delete(group)) return;
    group.classList.remove("inert");
    group.replaceChildren(group.querySelector("template").content);
  }
  if (hidden.size) {
    const near = new IntersectionObserver((seen) => seen.forEach((entry) => {
      if (!entry.isIntersecting) return;
      near.unobserve(entry.target);
      bring(entry.target);
    }), { rootMargin: "1200px" });
    hidden.forEach((group) => near.observe(group));
    const idle = window.requestIdleCallback || ((act) => setTimeout(act, 50));
    const some = () => {
      [...hidden].slice(0, 8).forEach(bring);
      if (hidden.size) idle(some);
    };
    window.addEventListener("load", () => idle(some));
  }

  document.querySelectorAll("img[data-copy]").forEach((img) => {
    const first = document.querySelector(`img[data-key="${CSS.escape(img.dataset.copy)}"]`);
    if (first) img.src = first.getAttribute("src");
  });

  Compare.start(JSON.parse(at("frames").textContent));
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".compare-open");
    if (button) Compare.open(button.dataset.frame, 0, Number(button.dataset.b));
  });

  // --- the table ---------------------------------------------------------------------------------------------------
  const table = at("images");
  const body = table.tBodies[0];
  const more = at("more-rows");
  const step = Number(table.dataset.step);
  let rows = [...body.rows, ...(more ? more.content.children : [])];
  let limit = step;
  const heads = [...table.tHead.rows[0].cells];
  const value = (cell, kind) => {
    const text = cell.dataset.v ?? cell.textContent.trim();
    return kind === "number" ? Number(text) || 0 : text.toLocaleLowerCase();
  };

  function sort(column, down) {
    const { kind } = heads[column].dataset;
    const keyed = rows.map((row, order) => ({ row, order, key: value(row.cells[column], kind) }));
    const compare = kind === "number" ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
    keyed.sort((a, b) => (down ? -1 : 1) * compare(a.key, b.key) || a.order - b.order);
    rows = keyed.map((entry) => entry.row);
    limit = step;
    show();
    heads.forEach((head, n) => {
      if (n === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  heads.forEach((head, column) => {
    if (head.classList.contains("plain")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(column, head.getAttribute("aria-sort") === "ascending"));
  });

  const filters = { status: at("filter-status"), format: at("filter-format"), host: at("filter-host") };
  for (const [name, select] of Object.entries(filters)) {
    const tally = new Map();
    rows.forEach((row) => tally.set(row.dataset[name], (tally.get(row.dataset[name]) || 0) + 1));
    const words = (row) => (name === "status" ? row.querySelector(".status").textContent : row.dataset[name]);
    const names = new Map(rows.map((row) => [row.dataset[name], words(row)]));
    [...tally.keys()].filter(Boolean).sort().forEach((key) => select.append(new Option(`${names.get(key)} (${tally.get(key)})`, key)));
  }

  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) {
      const title = row.querySelector("a[title]");
      texts.set(row, `${row.textContent} ${title ? title.title : ""}`.toLocaleLowerCase());
    }
    return texts.get(row);
  };

  let kept = rows;
  function show() {
    const wanted = at("filter-text").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const group = at("filter-group").value;
    kept = rows.filter((row) => Object.entries(filters).every(([name, select]) => !select.value || row.dataset[name] === select.value)
      && (!group || (group === "+") === Boolean(row.dataset.group))
      && wanted.every((word) => text(row).includes(word)));
    body.replaceChildren(...kept.slice(0, limit));
    at("more").hidden = kept.length <= limit;
    at("filter-count").textContent = `${kept.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  }
  at("more").addEventListener("click", () => {
    const next = limit;
    limit += step;
    show();
    const link = kept[next].querySelector("a");
    if (link) link.focus();
  });
  at("filters").addEventListener("input", () => { limit = step; show(); });
  at("filters").hidden = false;
  show();

  // --- what is folded opens for those who are sent there, and for print --------------------------------------------
  function unfold() {
    const id = decodeURIComponent(location.hash.slice(1));
    const row = rows.find((one) => one.id === id);
    if (row && !row.isConnected) {
      at("filters").querySelectorAll("input, select").forEach((control) => { control.value = ""; });
      limit = Math.max(step, rows.indexOf(row) + 1);
      show();
    }
    const there = id && document.getElementById(id);
    if (!there) return;
    const folded = there.closest("details");
    if (folded) folded.open = true;
    there.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  if (location.hash) unfold();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    hidden.forEach(bring);
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
})();
