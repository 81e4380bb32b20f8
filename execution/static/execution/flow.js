// The flow of a sequence: its buttons act on the forms of the steps below; nothing is saved before the form is.
(() => {
  const fieldOf = (row, name) => row.querySelector(`[name$='-${name}']`);
  const rows = () =>
    [...document.querySelectorAll("#steps-group .form-group")].filter((row) => !row.classList.contains("empty-form"));
  const rowOf = (id) => rows().find((row) => fieldOf(row, "id")?.value === id);
  const tell = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

  const open = (row) => {
    const title = row.querySelector("h3 strong[role=button]");
    if (title?.getAttribute("aria-expanded") === "false") title.click();
    row.scrollIntoView({ block: "start" });
    row.querySelector("input:not([type=hidden]), textarea, select")?.focus({ preventScroll: true });
  };
  const inOrder = () => rows().sort((a, b) => Number(fieldOf(a, "number").value || Infinity) - Number(fieldOf(b, "number").value || Infinity));
  const number = (steps) =>
    steps.forEach((row, place) => {
      fieldOf(row, "number").value = place + 1;
    });

  const move = (line, row, by) => {
    const steps = inOrder();
    const place = steps.indexOf(row);
    const other = steps[place + by];
    if (!other) return;
    [steps[place], steps[place + by]] = [other, row];
    number(steps);
    tell(fieldOf(row, "number"));
    const neighbour = by < 0 ? line.previousElementSibling : line.nextElementSibling;
    if (by < 0) neighbour?.before(line);
    else neighbour?.after(line);
  };
  const addBelow = (row) => {
    document.querySelector("#steps-group a.add-row, #steps-group .add-row a")?.click();
    const added = rows().at(-1);
    const steps = inOrder().filter((each) => each !== added);
    steps.splice(steps.indexOf(row) + 1, 0, added);
    number(steps);
    added.scrollIntoView({ block: "start" });
  };
  const remove = (line, row, button) => {
    const box = fieldOf(row, "DELETE");
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    line.classList.toggle("se-removed", box.checked);
    button.textContent = box.checked ? "Keep" : "Delete";
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-step-do]");
    const line = button?.closest("[data-step]");
    const row = line && rowOf(line.dataset.step);
    if (!row) return;
    event.preventDefault();
    const act = { edit: () => open(row), up: () => move(line, row, -1), down: () => move(line, row, 1), add: () => addBelow(row), remove: () => remove(line, row, button) };
    act[button.dataset.stepDo]();
    button.focus({ preventScroll: true });
    const unsaved = document.querySelector("[data-unsaved]");
    if (unsaved && button.dataset.stepDo !== "edit") unsaved.hidden = false;
  });
})();
