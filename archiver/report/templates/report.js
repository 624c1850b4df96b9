// The report: shows pictures that stand in the page more than once, sorts and filters the table, opens the compare tools.
(() => {
  const at = (id) => document.getElementById(id);

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
  const rows = [...body.rows];
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
    body.append(...keyed.map((entry) => entry.row));
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

  function filter() {
    const wanted = at("filter-text").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const group = at("filter-group").value;
    let left = 0;
    rows.forEach((row) => {
      const kept = Object.entries(filters).every(([name, select]) => !select.value || row.dataset[name] === select.value)
        && (!group || (group === "+") === Boolean(row.dataset.group))
        && (!wanted.length || wanted.every((word) => text(row).includes(word)));
      row.hidden = !kept;
      left += kept;
    });
    at("filter-count").textContent = `${left.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  }
  at("filters").hidden = false;
  at("filters").addEventListener("input", filter);
  filter();

  // --- what is folded opens for those who are sent there, and for print --------------------------------------------
  function unfold() {
    const there = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!there) return;
    const folded = there.closest("details");
    if (folded) folded.open = true;
    if (there.hidden) { at("filter-text").value = ""; filter(); }
    there.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  if (location.hash) unfold();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
})();
