"use strict";

const anyHost = "http://localhost:8000"; // in the description

// Swagger UI leaves these out, and people who use a keyboard or a screen reader without them. It draws again and
// again, so that they are set after each change.
const mend = {
  "#swagger-ui": (e) => { e.role = "main"; },
  "textarea.body-param__text": (e) => { e.ariaLabel = "Request body"; },
  "select.examples-select-element": (e) => { e.ariaLabel = "Example"; },
  "tr[data-param-name] :is(select, input)": (e) => { e.ariaLabel = e.closest("tr").dataset.paramName; },
  "input[type=file]": (e) => { e.ariaLabel = "File"; },
  "table[role=region]": (e) => { e.ariaLabel = `Responses of ${e.closest(".opblock").querySelector(".opblock-summary-path").dataset.path}`; },
  ".close-modal": (e) => { e.ariaLabel = "Close"; },
  ".copy-to-clipboard button": (e) => { e.ariaLabel = "Copy"; },
  ".microlight": (e) => { e.tabIndex = 0; }, // it can be scrolled
  // The example is to be copied: it asks the server that the page came from.
  ".info code": (e) => { if (e.textContent.includes(anyHost)) e.textContent = e.textContent.replace(anyHost, location.origin); },
  // A link inside of a button cannot be reached; the button does the same.
  ".opblock-summary-control a": (e) => { e.removeAttribute("href"); },
};

function mendAll() {
  for (const [selector, set] of Object.entries(mend)) document.querySelectorAll(selector).forEach(set);
}

let planned = false;
new MutationObserver(() => {
  if (planned) return;
  planned = true;
  requestAnimationFrame(() => { planned = false; mendAll(); });
}).observe(document, { childList: true, subtree: true });
