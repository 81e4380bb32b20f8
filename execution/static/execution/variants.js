// The variants of an email step: fields for each, kept in the JSON field of the form. Without scripts that field is edited.
(() => {
  const KEYS = "ABCDEFGHIJ";
  const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
  const read = (box) => {
    try {
      const found = JSON.parse(box.value || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return null;
    }
  };
  const button = (text, label, act) => {
    const made = make("button", { type: "button", className: "se-link", textContent: text });
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const labelled = (text, field) => {
    const label = make("label", { textContent: text });
    label.append(field);
    return label;
  };

  const equip = (row) => {
    const box = row.querySelector("textarea[data-variants]");
    const own = (name) => row.querySelector(`[name$='-${name}']`);
    if (!box || box.readOnly || row.variants || row.classList.contains("empty-form")) return;
    let arms = read(box);
    // what cannot be read stays as text, beside its error
    if (!arms) return;
    row.variants = true;
    box.hidden = true;
    const list = make("div", { className: "se-variants" });
    box.after(list);

    const store = () => {
      box.value = JSON.stringify(arms);
      box.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const add = () => {
      const texts = { subject: own("subject")?.value ?? "", body: own("body")?.value ?? "" };
      const last = arms.at(-1) ?? texts;
      const free = () => [...KEYS].find((key) => !arms.some((arm) => arm.key === key)) ?? `V${arms.length + 1}`;
      if (!arms.length) arms.push({ key: free(), weight: 1, ...texts });
      arms.push({ key: free(), weight: 1, subject: last.subject, body: last.body });
      store();
      draw();
    };
    const show = async (arm, notes, frame) => {
      const panel = document.querySelector("[data-editor]");
      const data = new FormData();
      data.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
      data.set("contact", document.getElementById("preview-contact").value);
      data.set("sequence", panel.dataset.sequence);
      data.set("subject", arm.subject);
      data.set("body", arm.body);
      for (const name of ["format", "number"]) data.set(name, own(name)?.value ?? "");
      const answer = await fetch(panel.dataset.previewUrl, { method: "POST", body: data }).catch(() => null);
      const email = answer?.ok ? await answer.json().catch(() => null) : null;
      if (!email) return;
      notes.textContent = email.error ?? email.subject;
      notes.className = email.error ? "se-danger" : "font-semibold";
      frame.hidden = Boolean(email.error);
      if (!email.error)
        frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><base target="_blank">${email.html}`;
    };
    const card = (arm, place) => {
      const name = `${box.name}-${place}`;
      const field = (tag, key, values) => {
        const made = make(tag, { name: `${name}-${key}`, value: arm[key], className: "se-select", ...values });
        made.addEventListener("input", () => {
          arm[key] = key === "weight" ? Number(made.value) : made.value;
          store();
        });
        return made;
      };
      const on = make("input", { type: "checkbox", checked: arm.weight > 0 });
      const weight = field("input", "weight", { type: "number", min: 0, max: 1000 });
      on.addEventListener("change", () => {
        arm.weight = on.checked ? 1 : 0;
        weight.value = arm.weight;
        store();
      });
      weight.addEventListener("input", () => (on.checked = arm.weight > 0));
      const head = make("div", { className: "se-inline-form" });
      const remove = button("Remove", `Remove variant ${arm.key}`, () => {
        arms.splice(place, 1);
        // one alone compares nothing: its text becomes the step's own
        if (arms.length === 1) {
          own("subject").value = arms[0].subject;
          own("body").value = arms[0].body;
          arms = [];
        }
        store();
        draw();
      });
      const notes = make("p");
      const frame = make("iframe", { className: "se-preview", title: `Variant ${arm.key} as the contact reads it`, hidden: true });
      frame.setAttribute("sandbox", "");
      frame.referrerPolicy = "no-referrer";
      const preview = button("Preview", `Preview variant ${arm.key}`, () => show(arm, notes, frame));
      head.append(
        labelled("Variant ", field("input", "key", { maxLength: 32, size: 8 })),
        labelled("Weight ", weight),
        labelled("On ", on),
        preview,
        remove,
      );
      const subject = field("input", "subject", { type: "text", maxLength: 500, placeholder: "Empty: reply in the same thread" });
      const body = field("textarea", "body", { rows: 8 });
      const made = make("fieldset", { className: "se-variant" });
      made.setAttribute("aria-label", `Variant ${arm.key}`);
      made.append(head, labelled("Subject", subject), labelled("Body", body), notes, frame);
      return made;
    };
    const draw = () => {
      for (const name of ["subject", "body"]) {
        const line = own(name)?.closest(`.field-${name}`);
        if (line) line.hidden = arms.length > 0;
      }
      const more = make("p");
      more.append(button(arms.length ? "Add a variant" : "Compare texts", "Add a variant of this email", add));
      list.replaceChildren(...arms.map(card), more);
    };
    draw();
  };

  const rows = () => document.querySelectorAll("#steps-group .form-group");
  document.addEventListener("formset:added", (event) => equip(event.target));
  document.addEventListener("DOMContentLoaded", () => {
    if (document.getElementById("sequence_form")) rows().forEach(equip);
  });
})();
