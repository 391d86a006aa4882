// Runs the status page's own script on given answers, without a browser: node show.js < {"page", "answers": {PATH: JSON}}
// prints {ID: text, or the rows of a table}.
"use strict";
const {page, answers} = JSON.parse(require("fs").readFileSync(0, "utf8"));

class Box {
  constructor() { this.value = ""; this.replaceChildren(); }
  set textContent(text) { this.text = text; this.rows = []; }
  get textContent() { return this.text; }
  replaceChildren(...children) { this.text = children.map(child => child.text).join("\n"); this.rows = []; }
  insertRow() { const row = []; row.append = box => row.push(box.text); this.rows.push(row); return row; }
}

const boxes = {};
for (const [, id] of page.matchAll(/ id="(\w+)"/g)) boxes[id] = new Box();
boxes.token.value = "token";
globalThis.document = {getElementById: id => boxes[id], createElement: () => new Box()};
globalThis.fetch = async path => ({ok: path in answers, status: 404, json: async () => answers[path]});
globalThis.setTimeout = () => {  // the page waits for its next turn: all is shown
  console.log(JSON.stringify(Object.fromEntries(
    Object.entries(boxes).map(([id, box]) => [id, box.rows.length ? box.rows : box.text]))));
};
(0, eval)(page.match(/<script>([^]*)<\/script>/)[1]);
