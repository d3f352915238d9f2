import { marked } from "marked";

import changes from "../content/changes.md?raw";
import "./style.css";

document.getElementById("page").innerHTML = marked.parse(changes);
