import { marked } from "marked";

import start from "../content/start.md?raw";
import steps from "../content/first-steps.md?raw";
import "./style.css";

// one page: the server gives it for every address
const pages = { "/": start, "/guides/first-steps": steps };

document.getElementById("page").innerHTML = marked.parse(pages[location.pathname] ?? "# Not here\n\nTry the start page.");
