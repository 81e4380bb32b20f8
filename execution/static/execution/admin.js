// Times get the reader's own zone when pointed at; the fields of a step follow its type.
(() => {
  const showLocal = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.dataset.local = "1";
      const local = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
      time.title = `${local}\n${time.title}`;
    }
  };

  const followType = (select) => {
    const row = select.closest(".form-group");
    if (!row) return;
    for (const fieldset of row.querySelectorAll("fieldset[class*='step-for-']")) {
      fieldset.hidden = !fieldset.classList.contains(`step-for-${select.value}`);
    }
  };
  const isType = (element) => element.matches?.("select[name^='steps-'][name$='-type']");

  document.addEventListener("change", (event) => {
    if (isType(event.target)) followType(event.target);
  });
  document.addEventListener("formset:added", (event) => {
    event.target.querySelectorAll("select").forEach((select) => isType(select) && followType(select));
    if (event.detail?.formsetName === "steps") setTimeout(() => event.target.querySelector("h3")?.click());
  });
  document.addEventListener("htmx:load", (event) => showLocal(event.target));
  document.addEventListener("DOMContentLoaded", () => {
    showLocal(document);
    document.querySelectorAll("select").forEach((select) => isType(select) && followType(select));
  });
})();
