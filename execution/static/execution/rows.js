// Rows of a form that are added and removed in the browser, such as merge fields. The last row is the empty one.
(() => {
  const add = (rows) => {
    const template = rows.querySelector("[data-row-template]");
    const row = template.cloneNode(true);
    row.removeAttribute("data-row-template");
    template.before(row);
    for (const field of row.querySelectorAll("input, textarea")) field.value = template.querySelector(`[name="${field.name}"]`).value;
    row.querySelector("select").selectedIndex = template.querySelector("select").selectedIndex;
    for (const field of template.querySelectorAll("input, textarea")) field.value = "";
    return template;
  };

  document.addEventListener("click", (event) => {
    const rows = event.target.closest?.("[data-rows]");
    if (!rows) return;
    if (event.target.closest("[data-add-row]")) {
      add(rows).querySelector("input").focus();
    }
    const row = event.target.closest("[data-remove-row]")?.parentElement;
    if (!row) return;
    if (row.matches("[data-row-template]")) {
      for (const field of row.querySelectorAll("input, textarea")) field.value = "";
      return;
    }
    (row.nextElementSibling?.querySelector("input") ?? rows.querySelector("[data-add-row]")).focus();
    row.remove();
  });
})();
