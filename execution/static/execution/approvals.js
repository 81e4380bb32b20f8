// The page "Approvals" by keyboard: j and k move, x selects the shown email, a approves it.
(() => {
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const target = {
      j: "a[rel=next]",
      k: "a[rel=prev]",
      x: "[data-approvals] li[aria-current] input[type=checkbox]",
      a: "button[data-approve]",
    }[event.key];
    document.querySelector(target ?? "[data-none]")?.click();
  };
  document.addEventListener("keydown", press);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-approvals] [data-all]")) return;
    for (const box of event.target.form.querySelectorAll("[name=emails]:not(:disabled)")) box.checked = event.target.checked;
  });
})();
