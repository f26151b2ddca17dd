// The page of components: what only shows when it is called for.
import "./home.js";
import { delegate } from "./lib/dom.js";
import { ask } from "./lib/dialog.js";
import { toast } from "./lib/toast.js";

delegate(document, "click", "[data-ui-toast]", (_event, button) => {
  const kind = button.dataset.uiToast;
  toast("Something happened.", { error: kind === "error", action: kind === "undo" ? { label: "Undo", run() {} } : undefined });
});
delegate(document, "click", "[data-ui-dialog]", (_event, button) => {
  const danger = button.dataset.uiDialog === "danger";
  const field = danger ? undefined : { label: "Name", value: "Bakery" };
  ask({ title: danger ? "Delete Bakery?" : "Rename", text: danger ? "You can bring it back for a while." : undefined, field, action: danger ? "Delete" : "Save", danger });
});
