// The editor of a sequence: a toolbar and a live preview at each body, texts to insert, and branches to new steps.
(() => {
  const panel = () => document.querySelector("[data-editor]");
  const PREVIEW_MS = 500;
  const EMAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  const TOOLS = [
    ["format_bold", "Bold", "**", "**", "bold text"],
    ["format_italic", "Italic", "*", "*", "italic text"],
    ["link", "Link", "[", "](https://)", "text of the link"],
    ["format_list_bulleted", "List", "\n- ", "\n", "first point"],
    ["format_list_numbered", "Numbered list", "\n1. ", "\n", "first point"],
  ];

  const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
  const tell = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
  const fieldOf = (row, name) => row.querySelector(`[name$='-${name}']`);

  // Wraps the selection, or inserts the sample text and selects it.
  const wrap = (box, before, after, sample) => {
    const { selectionStart: start, selectionEnd: end } = box;
    const text = box.value.slice(start, end) || sample;
    box.focus();
    box.setRangeText(before + text + after, start, end, "end");
    box.setSelectionRange(start + before.length, start + before.length + text.length);
    tell(box);
  };

  let asked = 0;
  const preview = async (row) => {
    const { subject, shown, frame, notes } = row.preview;
    const data = new FormData();
    data.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    data.set("contact", document.getElementById("preview-contact").value);
    data.set("sequence", panel().dataset.sequence);
    for (const name of ["subject", "body", "format", "number"]) data.set(name, fieldOf(row, name)?.value ?? "");
    const mine = ++asked;
    const answer = await fetch(panel().dataset.previewUrl, { method: "POST", body: data }).catch(() => null);
    const email = answer?.ok ? await answer.json().catch(() => null) : null;
    if (!email || mine !== asked) return;
    notes.replaceChildren(
      ...[email.error, ...(email.changes ?? [])]
        .filter(Boolean)
        .map((text) => make("p", { textContent: text, className: email.error ? "se-danger" : "se-warning" })),
    );
    shown.hidden = Boolean(email.error);
    if (email.error) return;
    subject.textContent = email.subject;
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${EMAIL_POLICY}"><base target="_blank">${email.html}`;
  };

  let waiting = 0;
  const previewSoon = (row) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => preview(row), PREVIEW_MS);
  };

  const equip = (row) => {
    const box = fieldOf(row, "body");
    if (!panel() || !box || box.readOnly || row.preview || row.classList.contains("empty-form")) return;
    const bar = make("div", { className: "se-toolbar" });
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Format the body");
    for (const [symbol, label, before, after, sample] of TOOLS) {
      const button = make("button", { type: "button", className: "se-tool", title: label });
      button.setAttribute("aria-label", label);
      const icon = make("span", { className: "material-symbols-outlined", textContent: symbol });
      icon.setAttribute("aria-hidden", "true");
      button.append(icon);
      button.addEventListener("click", () => wrap(box, before, after, sample));
      bar.append(button);
    }
    const subject = make("p", { className: "font-semibold" });
    const frame = make("iframe", { className: "se-preview", title: "The email as the contact reads it" });
    frame.setAttribute("sandbox", "");
    frame.referrerPolicy = "no-referrer";
    const shown = make("div", { hidden: true });
    shown.append(subject, frame);
    const notes = make("div");
    const live = make("div", { className: "se-live" });
    live.setAttribute("role", "region");
    live.setAttribute("aria-label", "Preview");
    live.append(make("p", { className: "se-muted", textContent: "Preview" }), notes, shown);
    const editor = make("div", { className: "se-editor" });
    const writing = make("div");
    box.before(editor);
    writing.append(bar, box);
    editor.append(writing, live);
    row.preview = { subject, shown, frame, notes };
    for (const name of ["subject", "body", "format"]) fieldOf(row, name)?.addEventListener("input", () => previewSoon(row));
    row.addEventListener("focusin", () => {
      if (!frame.srcdoc && box.value) previewSoon(row);
    });
  };

  // Texts are inserted where the author wrote last; a template also sets the subject.
  let writing = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("[name^='steps-']:is([name$='-subject'], [name$='-body'])")) writing = event.target;
  });
  const insertSnippet = async (select) => {
    const id = select.value;
    select.value = "";
    const row = writing?.isConnected && writing.closest(".form-group");
    if (!id || !row) return;
    const answer = await fetch(`${panel().dataset.snippetUrl}?id=${id}`).catch(() => null);
    if (!answer?.ok) return;
    const text = await answer.json();
    const box = fieldOf(row, "body");
    if (text.subject) {
      fieldOf(row, "subject").value = text.subject;
      tell(fieldOf(row, "subject"));
    }
    box.focus();
    box.setRangeText(text.body, box.selectionStart, box.selectionEnd, "end");
    tell(box);
  };

  // Branches can lead to steps of the page that are not stored yet: `new:N`, N being the place of the step's form.
  const rows = () => [...document.querySelectorAll("#steps-group .form-group")].filter((row) => !row.classList.contains("empty-form"));
  const placeOf = (row) => Number(fieldOf(row, "type")?.name.split("-")[1]);
  const isNew = (row) => fieldOf(row, "id") && !fieldOf(row, "id").value;
  const labelOf = (row) => {
    const type = fieldOf(row, "type");
    return `New: ${fieldOf(row, "name").value || type.options[type.selectedIndex]?.text || "step"}`;
  };
  const offerTargets = () => {
    const fresh = rows().filter(isNew);
    for (const select of document.querySelectorAll("#steps-group select[name$='_goto']")) {
      const chosen = [...select.options].find((option) => option.selected);
      const wanted = chosen?.row ?? fresh.find((row) => `new:${placeOf(row)}` === select.value && !chosen?.row);
      for (const option of [...select.options]) if (option.value.startsWith("new:")) option.remove();
      for (const row of fresh) {
        if (row.contains(select)) continue;
        const option = make("option", { value: `new:${placeOf(row)}`, textContent: labelOf(row), row });
        option.selected = row === wanted;
        select.append(option);
      }
    }
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "insert-snippet") insertSnippet(event.target);
    if (event.target.matches?.("[name^='steps-']:is([name$='-name'], [name$='-type'])")) offerTargets();
    if (event.target.id === "preview-contact") rows().filter((row) => row.preview && !row.preview.shown.hidden).forEach(previewSoon);
  });
  document.addEventListener("formset:added", (event) => {
    equip(event.target);
    offerTargets();
  });
  document.addEventListener("formset:removed", offerTargets);
  document.addEventListener("DOMContentLoaded", () => {
    if (!document.getElementById("sequence_form")) return;
    rows().forEach(equip);
    offerTargets();
  });
})();
