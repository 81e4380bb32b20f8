// Times get the reader's own zone when pointed at; the fields of a step follow its type; live parts are read anew.
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
  // What shows the state of things is read anew, unless somebody is at it or the page is not looked at.
  const refresh = async (live) => {
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "refresh" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(live.id);
    if (!fresh || live.contains(document.activeElement)) return;
    live.replaceChildren(...fresh.childNodes);
    showLocal(live);
  };

  document.addEventListener("htmx:load", (event) => showLocal(event.target));
  document.addEventListener("DOMContentLoaded", () => {
    showLocal(document);
    for (const live of document.querySelectorAll("[data-refresh-seconds]")) {
      setInterval(() => refresh(live), Number(live.dataset.refreshSeconds) * 1000);
    }
    document.querySelectorAll("select").forEach((select) => isType(select) && followType(select));
  });
})();
