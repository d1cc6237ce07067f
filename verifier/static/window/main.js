// The scan page, kept open: what the gun types goes to the service and its answer is set into the page.
import { keepField } from "./field.js";

keepField(document.getElementById("scan"));
