// The review: sends what a person decides, remembers how to take it back, and moves on. The pages themselves come from the server.
(() => {
  const at = (id) => document.getElementById(id);
  const { root, query } = document.body.dataset;
  let state = document.body.dataset.state;
  const main = at("main");
  const figures = [...document.querySelectorAll(".hang .copy")];

  // --- talking to the server ------------------------------------------------------------------------------------------
  async function post(path, body) {
    let answer;
    try {
      answer = await fetch(`${root}/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    } catch {
      return { failed: 0, error: "The review has ended in the terminal; this was not saved. Start it again to go on." };
    }
    const data = await answer.json().catch(() => ({ error: `The server answered ${answer.status}.` }));
    return answer.ok ? data : { failed: answer.status, ...data };
  }

  // --- what is remembered in this window: how to take back, and what to say after the next page has come -----------------
  const memory = {
    get(name) { try { return JSON.parse(sessionStorage.getItem(`${root} ${name}`)) || []; } catch { return []; } },
    set(name, value) { sessionStorage.setItem(`${root} ${name}`, JSON.stringify(value)); },
  };

  function go(url) {
    const there = new URL(url, location.href);
    if (there.pathname === location.pathname && there.search === location.search) location.reload();
    else location.assign(there);
  }

  let fading;
  function say(words, undoable) {
    clearTimeout(fading);
    at("saved-words").textContent = words;
    at("saved-undo").hidden = !undoable;
    at("saved").hidden = false;
    fading = setTimeout(() => { at("saved").hidden = true; }, 9000);
  }

  let busy = false;
  async function decide(body) {
    if (busy) return;
    busy = true;
    document.body.classList.add("busy");
    const answer = await post(`decide${query}`, body);
    if (answer.error) {
      busy = false;
      document.body.classList.remove("busy");
      if (answer.failed === 409) {
        memory.set("say", [answer.error, false]);
        location.reload();
      } else say(answer.error, false);
      return;
    }
    const { before, after, said, next } = answer;
    memory.set("undo", [...memory.get("undo"), { before, after, said, here: location.pathname + location.search }].slice(-200));
    memory.set("redo", []);
    memory.set("say", [`Saved. ${said}.`, true]);
    go(next);
  }

  async function travel(from, to, words) {
    const stack = memory.get(from);
    const step = stack.pop();
    if (busy) return;
    if (!step) {
      say(from === "undo" ? "This window has nothing to take back." : "Nothing was taken back that could be done again.", false);
      return;
    }
    busy = true;
    const back = from === "undo";
    const answer = await post("restore", back ? { expected: step.after, wanted: step.before } : { expected: step.before, wanted: step.after });
    if (!answer.failed && !answer.error) memory.set(to, [...memory.get(to), step]);
    if (answer.failed !== 0) memory.set(from, stack);
    memory.set("say", [answer.error || `${words}: ${step.said}.`, false]);
    go(answer.error ? location.href : step.here);
  }
  const undo = () => travel("undo", "redo", "Taken back");
  const redo = () => travel("redo", "undo", "Done again");

  at("undo").disabled = !memory.get("undo").length;
  at("redo").disabled = !memory.get("redo").length;
  at("undo").addEventListener("click", undo);
  at("redo").addEventListener("click", redo);
  at("saved-undo").addEventListener("click", undo);
  const waiting = memory.get("say");
  if (waiting.length) {
    memory.set("say", []);
    say(...waiting);
  }

  // --- another window may decide too -------------------------------------------------------------------------------------
  async function look() {
    if (busy || document.hidden) return;
    const answer = await fetch(`${root}/state`).then((one) => one.json()).catch(() => null);
    if (!answer || answer.state === state || busy) return;
    const touched = figures.some((one) => picked(one)) || document.querySelector("dialog[open]") || document.activeElement === at("note");
    state = answer.state;
    if (touched) say("Decided in another window meanwhile. Reload to see it.", false);
    else location.reload();
  }
  setInterval(look, 4000);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", look);

  // --- dialogs: what is pressed in one never reaches the page behind -------------------------------------------------------
  function shut(dialog) { // at once, focus included: the next key is for the page
    dialog.close();
    if (dialog.contains(document.activeElement)) document.activeElement.blur();
  }
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Escape") return;
      event.preventDefault();
      shut(dialog);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) shut(dialog);
    });
  }
  at("help-open").addEventListener("click", () => at("help").showModal());
  at("help").addEventListener("keydown", (event) => { if (event.key === "?") shut(at("help")); });

  // --- the overview --------------------------------------------------------------------------------------------------------
  if (at("renew")) {
    at("renew").addEventListener("click", async () => {
      at("renew").disabled = true;
      at("renew").textContent = "Judging again …";
      const answer = await post("report", {});
      memory.set("say", [answer.error || answer.said, false]);
      location.reload();
    });
  }
  if (at("choice")) {
    at("choice").addEventListener("change", () => at("choice").requestSubmit());
    at("choice").addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) {
        if (!value || (name === "least" && Number(value) === 0) || (name === "most" && Number(value) === 1)) event.formData.delete(name);
      }
    });
  }

  // --- many at once -----------------------------------------------------------------------------------------------------------
  for (const batch of document.querySelectorAll(".batch")) {
    const boxes = [...batch.querySelectorAll("input[type=checkbox]")];
    const accept = batch.querySelector(".accept");
    const none = batch.querySelector(".none");
    const count = () => {
      const n = boxes.filter((box) => box.checked).length;
      const pairs = n === 1 ? "1 pair" : `${n} pairs`;
      accept.textContent = batch.dataset.verdict === "same" ? `Accept ${pairs} as the same picture` : `Keep ${pairs} apart`;
      accept.disabled = !n;
      none.textContent = n ? "Tick none" : "Tick all";
    };
    batch.addEventListener("change", count);
    none.addEventListener("click", () => {
      const tick = !boxes.some((box) => box.checked);
      boxes.forEach((box) => { box.checked = tick; });
      count();
    });
    accept.addEventListener("click", () => decide({ act: "accept", pairs: boxes.filter((box) => box.checked).map((box) => [box.dataset.a, box.dataset.b]) }));
    count();
  }

  // --- one item -----------------------------------------------------------------------------------------------------------------
  function picked(figure) { return figure.querySelector(".select").checked; }
  if (!main || !main.dataset.item) { keysFor(null); return; }
  const { item, kind, seen } = main.dataset;
  const frame = JSON.parse(at("frames").textContent)[0];
  Compare.start([frame]);
  const here = document.querySelector(".strip .here");
  if (here) { // the strip alone is moved, never the page
    const strip = here.parentElement;
    strip.scrollTo(here.offsetLeft - (strip.clientWidth - here.clientWidth) / 2, here.offsetTop - (strip.clientHeight - here.clientHeight) / 2);
  }

  const letters = (list) => {
    const names = list.map((one) => one.dataset.letter);
    return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  };
  const chosen = () => figures.filter(picked);
  const payloads = (list) => list.map((one) => one.dataset.payload);
  const all = figures.length;

  function sameTargets() {
    const list = chosen();
    if (!list.length) return figures;
    return list.length > 1 ? list : [figures[0], ...list].filter((one, n, both) => both.indexOf(one) === n);
  }
  const whole = (list) => !list.length || list.length === all;

  // What each button will do, given what is selected. An empty text hides the button.
  function words() {
    const list = chosen();
    const one = list.length === 1;
    const some = !whole(list);
    const pair = all === 2;
    const same = sameTargets();
    const out = pair || !some ? "" : `Take out ${letters(list)}: `;
    return {
      same: same.length < 2 ? "" : same.length === all ? (pair ? "The same picture" : `The same picture: all ${all}`) : `The same picture: ${letters(same)}`,
      different: out ? `${out}${one ? "not the same picture" : "each another picture"}` : pair ? "Not the same" : `Not the same: all ${all} differ`,
      related: out ? `${out}related series` : pair ? "Related series, not the same" : `Related series: all ${all} differ`,
      split: some && list.length > 1 && !pair ? `Split off ${letters(list)} as one other picture` : "",
      best: one ? `Keep ${letters(list)} as the best` : "",
      join: list.length > 1 ? "" : pair ? `Join ${letters(one ? list : [figures[0]])} with …` : one ? `Join or move ${letters(list)} …` : "Join with …",
      compare: list.length === 2 ? `Compare ${letters(list)}` : one && list[0] !== figures[0] ? `Compare A and ${letters(list)}` : "Compare",
    };
  }

  function refresh() {
    const said = words();
    for (const button of document.querySelectorAll(".act[data-act]")) {
      const text = said[button.dataset.act];
      if (text === undefined) continue;
      button.hidden = !text;
      button.querySelector("span").textContent = text;
    }
    figures.forEach((one) => one.classList.toggle("chosen", picked(one)));
    const list = chosen();
    at("chosen-words").textContent = list.length ? `Selected: ${letters(list)} of ${all}` : "";
  }

  function send(act, members, more = {}) {
    decide({ act, item, members: payloads(members), note: at("note").value.trim(), seen, ...more });
  }

  function compare(mode) {
    const index = (figure) => frame.members.findIndex((one) => one.letter === figure.dataset.letter);
    const list = chosen();
    const two = list.length >= 2 ? list.slice(0, 2) : list.length === 1 && list[0] !== figures[0] ? [figures[0], list[0]] : figures.slice(0, 2);
    const [a, b] = two.map(index);
    if (a < 0 || b < 0) return;
    Compare.open(frame.id, a, b);
    if (mode) document.querySelector(`#compare-modes input[value=${mode}]`).click();
  }

  const acts = {
    same: () => send("same", sameTargets()),
    different: () => send("different", all === 2 ? [] : chosen()),
    related: () => send("related", all === 2 ? [] : chosen()),
    split: () => send("different", chosen(), { together: true }),
    best: () => send("best", chosen()),
    join: () => join(""),
    compare: () => compare(""),
    forget: () => send("forget", []),
  };
  // Why a key does nothing now: a key never fails silently.
  function refusal(name) {
    if (name === "forget") return "Nothing was decided here yet.";
    if (name === "best") return "Select the one copy to keep: its number, then B.";
    if (name === "join") return "Select one copy to move it, or none to join them all.";
    if (name === "same") return "Select another copy too, or none for all of them.";
    if (all === 2) return "There are only two copies: D says that they are not the same.";
    return chosen().length === 1 ? "One copy alone is taken out with D." : "Select the copies to split off first, by their numbers.";
  }
  function act(name) {
    const button = document.querySelector(`.act[data-act=${name}]`);
    if (button && !button.hidden) acts[name]();
    else say(refusal(name), false);
  }
  document.querySelectorAll(".act").forEach((button) => button.addEventListener("click", () => acts[button.dataset.act]()));
  document.querySelectorAll(".keep").forEach((button) => button.addEventListener("click", () => send("best", [button.closest(".copy")])));
  document.querySelectorAll(".pair-act").forEach((button) => button.addEventListener("click", () => {
    const { a, b } = button.closest("tr").dataset;
    decide({ act: button.dataset.act, scope: "pair", item, members: [a, b], note: at("note").value.trim(), seen });
  }));
  if (at("note-save")) at("note-save").addEventListener("click", () => send("note", []));
  document.querySelector(".hang").addEventListener("change", refresh);
  document.querySelectorAll(".copy .frame").forEach((one) => one.addEventListener("click", () => {
    const box = one.closest(".copy").querySelector(".select");
    box.checked = !box.checked;
    refresh();
  }));
  refresh();

  // The compare tools decide on the two they show.
  const compared = document.createElement("p");
  compared.className = "compare-verdict";
  for (const [name, key, text] of [["same", "S", "The same picture"], ["different", "D", "Not the same"], ["related", "R", "Related series"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.act = name;
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    button.append(kbd, ` ${text}`);
    button.addEventListener("click", () => onCompared(name));
    compared.append(button);
  }
  document.querySelector(".compare-foot").append(compared);
  function onCompared(name) {
    const two = ["compare-a", "compare-b"].map((id) => frame.members[Number(at(id).value)].letter);
    const members = figures.filter((one) => two.includes(one.dataset.letter));
    if (members.length !== 2) return;
    send(name, members, { scope: "pair" });
  }
  at("compare").addEventListener("keydown", (event) => {
    const name = { s: "same", d: "different", r: "related" }[event.key.toLowerCase()];
    if (name && event.target.tagName !== "SELECT" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      onCompared(name);
    }
  });

  // --- joining with another picture: by dragging one onto the strip, or from a list ------------------------------------------------
  let pictures = null;
  let target = null;
  let moving = null;

  async function join(to, figure) {
    moving = figure || (chosen().length === 1 ? chosen()[0] : null);
    target = null;
    at("join-find").value = "";
    at("join").showModal();
    at("join-find").focus();
    if (!pictures) pictures = await fetch(`${root}/pictures`).then((one) => one.json()).catch(() => []);
    list();
    aim(pictures.find((one) => one.payload === to) || null);
    if (to && !target) {
      const other = document.querySelector(`.strip [data-drop="${CSS.escape(to)}"]`);
      aim({ payload: to, title: other ? other.alt : "the other picture", where: "", copies: "" });
    }
    if (target) at("join-all").focus();
  }

  function list() {
    if (!pictures) return;
    const wanted = at("join-find").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const own = new Set(payloads(figures));
    const found = pictures.filter((one) => !own.has(one.payload) && wanted.every((word) => `${one.title} ${one.where}`.toLocaleLowerCase().includes(word)));
    at("join-list").replaceChildren(...found.map((one) => {
      const option = document.createElement("div");
      option.setAttribute("role", "option");
      option.id = `join-${one.payload}`;
      option.dataset.payload = one.payload;
      const img = document.createElement("img");
      Object.assign(img, { src: one.src, alt: "", loading: "lazy" });
      const title = document.createElement("bdi");
      title.textContent = one.title;
      const facts = document.createElement("span");
      facts.className = "where";
      facts.textContent = [one.where, one.copies].filter(Boolean).join(" · ");
      option.append(img, title, facts);
      option.addEventListener("click", () => aim(one));
      option.addEventListener("dblclick", joinAll);
      return option;
    }));
    aim(found.includes(target) ? target : null);
  }

  function aim(one) {
    target = one;
    at("join-list").querySelectorAll("[role=option]").forEach((option) => {
      const is = Boolean(one) && option.dataset.payload === one.payload;
      option.setAttribute("aria-selected", String(is));
      if (is) option.scrollIntoView({ block: "nearest" });
    });
    if (one) at("join-list").setAttribute("aria-activedescendant", `join-${one.payload}`);
    else at("join-list").removeAttribute("aria-activedescendant");
    const pair = all === 2 && kind !== "group";
    const name = moving ? moving.dataset.letter : figures[0].dataset.letter;
    at("join-all").disabled = !one;
    at("join-all").textContent = pair ? `Join ${name} with it` : all === 2 ? "Join both copies with it" : `Join all ${all} copies with it`;
    at("join-one").hidden = !one || !moving || pair;
    at("join-one").textContent = `Move only ${name} there`;
    at("join-words").textContent = one ? `Chosen: ${one.title}${one.copies ? ` (${one.copies})` : ""}` : "Choose a picture: arrow keys and Enter, or a click.";
  }

  const joinAll = () => { if (target) send("merge", kind !== "group" && moving ? [moving] : [], { to: target.payload }); };
  at("join-all").addEventListener("click", joinAll);
  at("join-one").addEventListener("click", () => send("move", [moving], { to: target.payload }));
  at("join-find").addEventListener("input", list);
  at("join").addEventListener("keydown", (event) => {
    const options = [...at("join-list").children];
    if (["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"].includes(event.key) && options.length && event.target.tagName !== "BUTTON") {
      if (event.target.id === "join-find" && ["ArrowRight", "ArrowLeft"].includes(event.key)) return;
      const now = options.findIndex((one) => target && one.dataset.payload === target.payload);
      const by = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
      const next = options[Math.min(options.length - 1, Math.max(0, now + by))];
      aim(pictures.find((one) => one.payload === next.dataset.payload));
      event.preventDefault();
    } else if (event.key === "Enter" && target && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      joinAll();
    }
  });

  document.addEventListener("dragstart", (event) => {
    const figure = event.target.closest && event.target.closest(".hang .copy");
    if (!figure) return;
    event.dataTransfer.setData("text/x-archiver-copy", figure.dataset.payload);
    event.dataTransfer.effectAllowed = "link";
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragend", () => document.body.classList.remove("dragging"));
  // Dropped on one of a card's pictures a copy goes to that one, beside them to the first.
  for (const card of document.querySelectorAll(".strip .card")) {
    const places = [...card.querySelectorAll("[data-drop]")].filter((one) => !payloads(figures).includes(one.dataset.drop));
    if (!places.length) continue;
    const aimed = (event) => places.find((one) => one === event.target) || places[0];
    const unaim = () => places.forEach((one) => one.classList.remove("aimed"));
    card.addEventListener("dragover", (event) => {
      event.preventDefault();
      event.dataTransfer.dropEffect = "link";
      unaim();
      aimed(event).classList.add("aimed");
    });
    card.addEventListener("dragleave", unaim);
    card.addEventListener("drop", (event) => {
      event.preventDefault();
      unaim();
      const figure = figures.find((one) => one.dataset.payload === event.dataTransfer.getData("text/x-archiver-copy"));
      if (figure) join(aimed(event).dataset.drop, figure);
    });
  }

  keysFor({
    s: () => act("same"), d: () => act("different"), r: () => act("related"), t: () => act("split"), b: () => act("best"),
    m: () => act("join"), x: () => act("forget"), c: () => compare(""), f: () => compare("flick"),
    "+": () => compare(""), "=": () => compare(""),
    e: () => at("note").focus(),
    a: () => {
      const tick = !figures.every(picked);
      figures.forEach((one) => { one.querySelector(".select").checked = tick; });
      refresh();
    },
    ...Object.fromEntries(figures.slice(0, 9).map((one, n) => [String(n + 1), () => {
      const box = one.querySelector(".select");
      box.checked = !box.checked;
      refresh();
    }])),
  });
  at("note").addEventListener("keydown", (event) => {
    if (event.key === "Escape") at("note").blur();
    else if (event.key === "Enter" && at("note-save")) send("note", []);
  });

  // --- keys ---------------------------------------------------------------------------------------------------------------------------
  function keysFor(own) {
    const ends = { after: "This is the last one; O shows all.", before: "This is the first one; O shows all." };
    const follow = (id) => () => {
      if (at(id)) location.assign(at(id).href);
      else if (own && ends[id]) say(ends[id], false);
    };
    const keys = {
      j: follow("after"), n: follow("after"), arrowright: follow("after"), k: follow("before"), p: follow("before"), arrowleft: follow("before"),
      o: follow("to-overview"), "?": () => at("help").showModal(), u: undo, U: redo, ...own,
    };
    document.addEventListener("keydown", (event) => {
      if (document.querySelector("dialog[open]") || event.altKey || event.defaultPrevented) return;
      const field = event.target.closest("input:not([type=checkbox]), select, textarea");
      if (field) return;
      let name = event.key === "U" ? "U" : event.key.toLowerCase();
      if (event.ctrlKey || event.metaKey) {
        if (name === "z") name = event.shiftKey ? "U" : "u";
        else if (name === "y") name = "U";
        else return;
      }
      if (name.startsWith("arrow") && event.target.closest(".scroll, .strip")) return;
      if (!keys[name]) return;
      event.preventDefault();
      keys[name]();
    });
    document.body.classList.add("ready");
  }
})();
