// What the pages of the console do better with a script: buttons that copy, and a run whose progress moves by itself.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    document.getElementById("copy-status").textContent = button.dataset.done;
  });
}

function show(part, fresh) {
  const said = document.getElementById("run-status");
  const state = fresh.querySelector("#run-state").textContent;
  if (said.textContent !== state) said.textContent = state;
  part.replaceWith(document.adoptNode(fresh));
}

async function follow() {
  const part = document.getElementById("progress");
  const address = part && part.dataset.progress;
  if (!address) return;
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (answer.ok && !answer.redirected) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("progress");
      if (fresh && fresh.dataset.progress) show(part, fresh);
      else if (fresh) return location.reload();
    }
  } catch {
    // The next try may get through.
  }
  setTimeout(follow, 1000);
}

follow();
