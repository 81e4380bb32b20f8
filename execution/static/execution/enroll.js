// The page that enrolls: a check that no longer fits the form is not enrolled by accident, and waiting is shown.
(() => {
  const form = document.getElementById("enroll-form");
  if (!form) return;
  const button = document.querySelector("[data-enroll]");
  const markStale = () => {
    if (!button) return;
    button.hidden = true;
    document.querySelector("[data-stale]").hidden = false;
  };
  form.addEventListener("input", markStale);
  form.addEventListener("change", markStale);
  // select2 tells its changes through jQuery only
  window.django?.jQuery?.(form).on("change", "select", markStale);
  // a pool is chosen instead of a mailbox, and the other way round
  const jQuery = window.django?.jQuery;
  for (const [chosen, other] of [["mailbox", "pool"], ["pool", "mailbox"]]) {
    jQuery?.(form).on("change", `[name=${chosen}]`, (event) => {
      const select = form.querySelector(`[name=${other}]`);
      if (event.target.value && select?.value) jQuery(select).val("").trigger("change");
    });
  }
  form.addEventListener("submit", () => {
    form.querySelector("[data-busy]").hidden = false;
    // after the browser has read which button was pressed
    setTimeout(() => {
      for (const each of document.querySelectorAll("#enroll-form button[type=submit], [data-enroll]")) each.disabled = true;
    });
  });
  // back from the next page, where the browser keeps this one
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const each of document.querySelectorAll("#enroll-form button[type=submit], [data-enroll]")) each.disabled = false;
    form.querySelector("[data-busy]").hidden = true;
  });
})();
