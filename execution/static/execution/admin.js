// Sets the time zone cookie, shows the fields of a step's type, validates sequences while editing, refreshes live parts.
(() => {
  // The server formats times in this zone.
  document.cookie = `reader_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/admin/; max-age=31536000; samesite=lax`;

  const followType = (select) => {
    const row = select.closest(".form-group");
    if (!row) return;
    const type = row.querySelector("select[name$='-type']").value;
    const asked = row.querySelector("select[name$='-condition_type']");
    const takes = (what) => asked.dataset[what].split(" ").includes(asked.value);
    for (const fieldset of row.querySelectorAll("fieldset[class*='step-for-']")) {
      const isAsked = !fieldset.classList.contains("step-compares") || takes("compares");
      fieldset.hidden = !fieldset.classList.contains(`step-for-${type}`) || !isAsked;
    }
    row.querySelector("input[name$='-field']").closest(".field-line").hidden = !takes("field");
  };
  const isType = (element) =>
    element.matches?.("select[name^='steps-']:is([name$='-type'], [name$='-condition_type'])");

  document.addEventListener("change", (event) => {
    if (isType(event.target)) followType(event.target);
  });
  document.addEventListener("formset:added", (event) => {
    event.target.querySelectorAll("select").forEach((select) => isType(select) && followType(select));
    nameTitles();
    if (event.detail?.formsetName === "steps") setTimeout(() => event.target.querySelector("h3")?.click());
  });
  // The title of a step is a button that opens it, also for keyboards and screen readers.
  const nameTitles = () => {
    for (const title of document.querySelectorAll("#steps-group .form-group:not(.empty-form) h3 strong:not([role])")) {
      title.setAttribute("role", "button");
      title.tabIndex = 0;
      const update = () => title.setAttribute("aria-expanded", String(title.closest("h3").classList.contains("border-b")));
      new MutationObserver(update).observe(title.closest("h3"), { attributeFilter: ["class"] });
      update();
      title.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        title.click();
      });
    }
  };

  // A merge field is inserted where the author wrote last.
  let writing = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[name^='steps-'][name$='-subject'], [name^='steps-'][name$='-body'], [name^='steps-'][name$='-instructions']")) {
      writing = event.target;
    }
  });
  document.addEventListener("click", (event) => {
    const field = event.target.closest?.("[data-insert]")?.dataset.insert;
    if (!field || !writing?.isConnected) return;
    writing.focus();
    writing.setRangeText(`{{ ${field} }}`, writing.selectionStart, writing.selectionEnd, "end");
    writing.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Validates a sequence while it is being edited; nothing is saved.
  const CHECK_MS = 800;
  let checking = 0;
  const checkSequence = async (form, panel) => {
    const data = new FormData(form);
    data.set("_check", "1");
    const mine = ++checking;
    const answer = await fetch(location.href, { method: "POST", body: data }).catch(() => null);
    if (!answer?.ok || mine !== checking) return;
    const { problems } = await answer.json().catch(() => ({ problems: null }));
    if (!problems) return;
    const lines = problems.map((text) => Object.assign(document.createElement("p"), { textContent: text, className: "se-danger" }));
    const fine = Object.assign(document.createElement("p"), { textContent: "None.", className: "se-muted" });
    panel.replaceChildren(...(lines.length ? lines : [fine]));
  };
  const watchSequence = () => {
    const panel = document.querySelector("[data-problems]");
    const form = document.getElementById("sequence_form");
    if (!panel || !form) return;
    let waiting = 0;
    const later = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => checkSequence(form, panel), CHECK_MS);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
  };

  // Live parts are reloaded, unless the page is hidden or the focus is inside.
  const reload = async () => {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "refresh" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // One request at a time; it ends when the fresh part asks for no more.
  const keepFresh = (live) => {
    let isAsking = false;
    const timer = setInterval(async () => {
      if (isAsking || document.hidden || live.contains(document.activeElement)) return;
      isAsking = true;
      const fresh = (await reload())?.getElementById(live.id);
      isAsking = false;
      if (!fresh || live.contains(document.activeElement)) return;
      live.replaceChildren(...fresh.childNodes);
      if (!fresh.dataset.refreshSeconds) clearInterval(timer);
    }, Number(live.dataset.refreshSeconds) * 1000);
  };

  // The queue: cells are replaced row by row, so that selected rows stay selected and nothing moves under the pointer.
  // Added and removed rows are shown once no row is selected and no link in one has the focus. A checkbox that is left
  // with the focus, as by a click that unticks it, does not hold them up: the focus goes to the same row's new one.
  const QUEUE_SECONDS = 15;
  const rowsOf = (list) =>
    new Map([...list.querySelectorAll("input.action-select")].map((box) => [box.value, box.closest("tr")]));
  const refreshQueue = async (list) => {
    if (document.hidden) return;
    const fresh = (await reload())?.getElementById("result_list");
    if (!fresh) return;
    const rows = rowsOf(list);
    const freshRows = rowsOf(fresh);
    const isTicked = list.querySelector("input.action-select:checked") !== null;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const freshBox = focused?.matches("input.action-select")
      ? freshRows.get(focused.value)?.querySelector("input.action-select")
      : null;
    const isHeld = isTicked || (focused && !freshBox);
    if (!isHeld && [...rows.keys()].join() !== [...freshRows.keys()].join()) {
      list.replaceChildren(...fresh.childNodes);
      freshBox?.focus({ preventScroll: true });
      return;
    }
    for (const [key, row] of rows) {
      const cells = freshRows.get(key)?.cells;
      if (!cells || cells.length !== row.cells.length) continue;
      [...row.cells].forEach((cell, place) => {
        const isInUse = cell.querySelector("input.action-select") || cell.contains(document.activeElement);
        if (!isInUse) cell.replaceChildren(...cells[place].childNodes);
      });
    }
  };

  // A list without checkboxes: on a phone the theme would label its first column as one.
  const nameFirstColumn = () => {
    const head = document.querySelector("#result_list thead th");
    for (const cell of document.querySelectorAll("#result_list td:first-child:not(.action-checkbox)")) {
      cell.dataset.label = (head.querySelector("a") ?? head).textContent.trim();
    }
  };

  // Ctrl+Enter in the box of an answer presses its button.
  document.addEventListener("keydown", (event) => {
    const value = event.target.dataset?.sendWith;
    if (!value || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const form = event.target.form;
    form.requestSubmit(form.querySelector(`button[value="${value}"]`));
  });

  document.addEventListener("DOMContentLoaded", () => {
    nameFirstColumn();
    // A page that is opened by a click from another one is not always given its first field.
    document.querySelector("[autofocus]")?.focus();
    document.querySelectorAll("[data-refresh-seconds]").forEach(keepFresh);
    watchSequence();
    nameTitles();
    const queue = document.querySelector("body.model-enrollment.change-list #result_list");
    if (queue) setInterval(() => refreshQueue(queue), QUEUE_SECONDS * 1000);
    document.querySelectorAll("select").forEach((select) => isType(select) && followType(select));
  });
})();
