// The compare tools. Frames say which pictures there are and where each lies in the pixels of the fullest one:
// {id, title, members: [{letter, key, name, words, facts, width, height, matrix: [a, b, c, d, e, f], whole}]}
// with the matrix row-major, own pixels -> pixels of the frame; `whole`, if there is one, is the address of the picture in full. Both pictures always share one view: the same zoom, the same place.
"use strict";
const Compare = (() => {
  const MODES = ["side", "slide", "flick", "difference"];
  const ZOOM_MAX = 24;
  const frames = new Map();
  const at = (id) => document.getElementById(id);
  const state = { frame: null, a: 0, b: 1, mode: "side", zoom: 1, x: 0, y: 0, seen: "a", slide: 50, gain: 4 };

  function source(key) {
    const shown = document.querySelector(`img[data-key="${CSS.escape(key)}"]`);
    return shown ? shown.getAttribute("src") || "" : "";
  }

  function member(which) {
    return state.frame.members[state[which]];
  }

  function corner([a, b, c, d, e, f], x, y) {
    return [a * x + b * y + c, d * x + e * y + f];
  }

  function outline(one) {
    const [w, h] = [one.width, one.height];
    return [[0, 0], [w, 0], [w, h], [0, h]].map(([x, y]) => corner(one.matrix, x, y));
  }

  function bounds() {
    const points = [...outline(member("a")), ...outline(member("b"))];
    const xs = points.map((p) => p[0]);
    const ys = points.map((p) => p[1]);
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  }

  // The view: frame pixels -> pixels of one pane.
  function view() {
    const pane = state.mode === "side" ? at("layer-a") : at("compare-stage");
    const [width, height] = [pane.clientWidth, pane.clientHeight];
    const box = bounds();
    const fit = Math.min((width - 32) / Math.max(1, box.right - box.left), (height - 32) / Math.max(1, box.bottom - box.top));
    const scale = Math.max(1e-6, fit) * state.zoom;
    const x = width / 2 - scale * ((box.left + box.right) / 2) + state.x;
    const y = height / 2 - scale * ((box.top + box.bottom) / 2) + state.y;
    return { scale, x, y, width, height };
  }

  function draw() {
    if (!state.frame || !at("compare").open) return;
    const seen = view();
    if (seen.width < 1 || seen.height < 1) return;
    for (const which of ["a", "b"]) {
      const world = at(`layer-${which}`).firstElementChild;
      const [a, b, c, d, e, f] = member(which).matrix;
      const img = at(`compare-img-${which}`);
      world.style.transform = `translate(${seen.x}px, ${seen.y}px) scale(${seen.scale})`;
      img.style.width = `${member(which).width}px`;
      img.style.height = `${member(which).height}px`;
      img.style.transform = `matrix(${a}, ${d}, ${b}, ${e}, ${c}, ${f})`;
    }
    at("layer-b").style.clipPath = state.mode === "slide" ? `inset(0 0 0 ${state.slide}%)` : "";
    at("compare-handle").style.left = `${state.slide}%`;
    at("layer-a").classList.toggle("away", state.mode === "flick" && state.seen === "b");
    at("layer-b").classList.toggle("away", state.mode === "flick" && state.seen === "a");
    at("zoom-value").textContent = `${Math.round(state.zoom * 100)} %`;
    if (state.mode === "difference") difference(seen);
  }

  function path(context, one) {
    context.beginPath();
    outline(one).forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
  }

  // |a - b| on the overlap, by compositing alone: no pixel is read back, so pictures beside the page work too.
  function difference(seen) {
    const canvas = at("compare-difference");
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(seen.width * ratio);
    canvas.height = Math.round(seen.height * ratio);
    const context = canvas.getContext("2d");
    const home = () => context.setTransform(seen.scale * ratio, 0, 0, seen.scale * ratio, seen.x * ratio, seen.y * ratio);
    stripes(context, home);
    home();
    for (const which of ["a", "b"]) {
      path(context, member(which));
      context.clip();
    }
    context.fillStyle = "#000";
    context.fillRect(-1e6, -1e6, 2e6, 2e6);
    for (const which of ["a", "b"]) {
      const one = member(which);
      const [a, b, c, d, e, f] = one.matrix;
      const img = at(`compare-img-${which}`);
      if (!img.complete || !img.naturalWidth) continue;
      home();
      context.transform(a, d, b, e, c, f);
      context.globalCompositeOperation = which === "a" ? "source-over" : "difference";
      context.drawImage(img, 0, 0, one.width, one.height);
    }
    amplify(context, canvas);
  }

  function sheet(width, height) {
    return Object.assign(document.createElement("canvas"), { width, height });
  }

  function stripes(context, home) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    const tile = sheet(12, 12);
    const pen = tile.getContext("2d");
    pen.fillStyle = "#8a857c";
    pen.fillRect(0, 0, 12, 12);
    pen.strokeStyle = "#b9b4aa";
    pen.lineWidth = 3;
    for (const x of [-12, 0, 12]) {
      pen.beginPath();
      pen.moveTo(x, 12);
      pen.lineTo(x + 12, 0);
      pen.stroke();
    }
    const pattern = context.createPattern(tile, "repeat");
    for (const which of ["a", "b"]) {
      home();
      path(context, member(which));
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = pattern;
      context.fill();
    }
  }

  // Adding the map to itself makes faint differences visible; what lies outside the overlap is clipped away and stays.
  function amplify(context, canvas) {
    context.globalCompositeOperation = "lighter";
    context.setTransform(1, 0, 0, 1, 0, 0);
    const once = sheet(canvas.width, canvas.height);
    once.getContext("2d").drawImage(canvas, 0, 0);
    for (let n = 1; n < state.gain; n += 1) context.drawImage(once, 0, 0);
  }

  // What is seen may have fewer pixels than the picture: then the label says so.
  function label(which) {
    const one = member(which);
    const img = at(`compare-img-${which}`);
    const less = img.complete && img.naturalWidth && img.naturalWidth < one.width * 0.99;
    at(`label-${which}`).textContent = [one.name, one.facts, less ? `preview, ${img.naturalWidth} pixels wide` : ""].filter(Boolean).join(" · ");
  }

  const wholes = new Set(); // addresses of whole pictures that have come
  function fetchWhole(which, one) {
    const whole = new Image();
    whole.addEventListener("load", () => {
      wholes.add(one.whole);
      if (state.frame && member(which) === one) at(`compare-img-${which}`).src = one.whole;
    });
    whole.src = one.whole;
  }

  function load(which) {
    const one = member(which);
    const img = at(`compare-img-${which}`);
    const found = wholes.has(one.whole) ? one.whole : source(one.key);
    if (found) img.src = found;
    else img.removeAttribute("src");
    if (one.whole && !wholes.has(one.whole)) fetchWhole(which, one);
    img.alt = `Copy ${one.name}`;
    at(`compare-${which}`).value = String(state[which]);
    label(which);
  }

  function show() {
    const { title, members } = state.frame;
    at("compare-of").textContent = title;
    load("a");
    load("b");
    at("compare-words").textContent = [member("a"), member("b")].filter((one) => one.words).map((one) => `${one.letter}: ${one.words}`).join(". ");
    at("compare-swap").disabled = members.length < 2;
    seen();
    draw();
  }

  function seen() {
    at("compare-seen").textContent = `Now: ${member(state.seen).name}`;
  }

  function fill(select, members) {
    select.replaceChildren(...members.map((one, n) => new Option(one.name, String(n))));
  }

  function setMode(mode) {
    state.mode = mode;
    at("compare").dataset.mode = mode;
    at("compare-stage").dataset.mode = mode;
    document.querySelectorAll("#compare-modes input").forEach((input) => { input.checked = input.value === mode; });
    draw();
  }

  function zoom(factor, x = null, y = null) {
    const before = view();
    const px = x ?? before.width / 2;
    const py = y ?? before.height / 2;
    const next = Math.min(ZOOM_MAX, Math.max(0.5, state.zoom * factor));
    const grown = next / state.zoom;
    state.x = (px - before.width / 2) * (1 - grown) + state.x * grown;
    state.y = (py - before.height / 2) * (1 - grown) + state.y * grown;
    state.zoom = next;
    draw();
  }

  function fit() {
    Object.assign(state, { zoom: 1, x: 0, y: 0 });
    draw();
  }

  function flick() {
    if (state.mode !== "flick") setMode("flick");
    state.seen = state.seen === "a" ? "b" : "a";
    seen();
    draw();
  }

  function step(by) {
    const many = state.frame.members.length;
    let next = (state.b + by + many) % many;
    if (next === state.a && many > 1) next = (next + by + many) % many;
    state.b = next;
    show();
  }

  function open(frameId, a = 0, b = 1) {
    const frame = frames.get(frameId);
    if (!frame || !frame.members.length) return;
    const last = frame.members.length - 1;
    Object.assign(state, { frame, a: Math.min(a, last), b: Math.min(b, last), seen: "a", zoom: 1, x: 0, y: 0, slide: 50 });
    fill(at("compare-a"), frame.members);
    fill(at("compare-b"), frame.members);
    at("compare-slide").value = "50";
    at("compare").showModal();
    setMode(state.mode);
    show();
  }

  function keys(event) {
    event.stopPropagation(); // what is pressed here never reaches the page behind
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = event.target.tagName;
    const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (event.target.id === "compare-stage" && moves[event.key]) {
      state.x += moves[event.key][0];
      state.y += moves[event.key][1];
      draw();
    } else if (tag === "SELECT") {
      return;
    } else if (MODES[Number(event.key) - 1]) {
      setMode(MODES[Number(event.key) - 1]);
    } else {
      const act = { f: flick, "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit, n: () => step(1), p: () => step(-1) }[event.key.toLowerCase()];
      if (!act) return;
      act();
    }
    event.preventDefault();
  }

  function pointers(stage) {
    let held = null;
    stage.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY, slides: state.mode === "slide" && event.target.id === "compare-handle" };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!held) return;
      if (held.slides) {
        const box = stage.getBoundingClientRect();
        slideTo(((event.clientX - box.left) / box.width) * 100);
        return;
      }
      state.x += event.clientX - held.x;
      state.y += event.clientY - held.y;
      Object.assign(held, { x: event.clientX, y: event.clientY });
      draw();
    });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { held = null; });
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pane = state.mode === "side" ? event.target.closest(".layer") || stage : stage;
      const box = pane.getBoundingClientRect();
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
  }

  function slideTo(percent) {
    state.slide = Math.min(100, Math.max(0, percent));
    at("compare-slide").value = String(Math.round(state.slide));
    draw();
  }

  function start(list) {
    list.forEach((frame) => frames.set(frame.id, frame));
    const dialog = at("compare");
    dialog.addEventListener("keydown", keys);
    at("compare-close").addEventListener("click", () => dialog.close());
    at("compare-modes").addEventListener("change", (event) => setMode(event.target.value));
    for (const which of ["a", "b"]) {
      at(`compare-${which}`).addEventListener("change", (event) => { state[which] = Number(event.target.value); show(); });
      at(`compare-img-${which}`).addEventListener("load", () => { label(which); draw(); });
    }
    at("compare-swap").addEventListener("click", () => { [state.a, state.b] = [state.b, state.a]; show(); });
    at("compare-slide").addEventListener("input", (event) => slideTo(Number(event.target.value)));
    at("compare-gain").addEventListener("input", (event) => { state.gain = Number(event.target.value); draw(); });
    at("compare-flick").addEventListener("click", flick);
    at("zoom-in").addEventListener("click", () => zoom(1.25));
    at("zoom-out").addEventListener("click", () => zoom(0.8));
    at("zoom-fit").addEventListener("click", fit);
    pointers(at("compare-stage"));
    new ResizeObserver(draw).observe(at("compare-stage"));
  }

  return { start, open };
})();
