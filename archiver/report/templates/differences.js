// The preview of another strictness: pictures that stand in the page more than once, and the compare tools.
(() => {
  document.querySelectorAll("img[data-copy]").forEach((img) => {
    const first = document.querySelector(`img[data-key="${CSS.escape(img.dataset.copy)}"]`);
    if (first) img.src = first.getAttribute("src");
  });
  Compare.start(JSON.parse(document.getElementById("frames").textContent));
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".compare-open");
    if (button) Compare.open(button.dataset.frame, 0, Number(button.dataset.b));
  });
})();
