// Marks: lines that a person wants recorded again, kept in this browser, and exported for `narrate pickups import`.

const KEPT = `narrate-marks:${book.id}`;
const marks = new Map(load());

function load() {
  try { return Object.entries(JSON.parse(localStorage.getItem(KEPT) || "{}")); } catch { return []; }
}

function keep() {
  try { localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(marks))); }
  catch { tell("This browser keeps nothing for such a page: export the marks before you close it."); }
  showMarks();
}

function markLine() {
  const line = view.rows[view.at];
  if (!line) return tell("Choose a line first.");
  const place = placeOf(view.chapter, line), box = byId("note-box"), index = view.at;
  stop();
  byId("note-title").textContent = `Note on ${place}`;
  byId("note-text").value = marks.has(place) ? marks.get(place).note : "";
  box.returnValue = "";
  box.onclose = () => {
    if (box.returnValue === "remove") marks.delete(place);
    else if (box.returnValue === "keep") marks.set(place, {note: byId("note-text").value.replace(/\s+/g, " ").trim()});
    keep();
    redrawRow(index);
    choose(index);
  };
  box.showModal();
}

// The marks in the order of the book: [chapter, line, place, mark].
function marked() {
  return book.chapters.flatMap((chapter) => chapter.lines
    .map((line) => [chapter, line, placeOf(chapter, line)])
    .filter(([, , place]) => marks.has(place))
    .map((found) => [...found, marks.get(found[2])]));
}

function showMarks() {
  const found = marked();
  byId("mark-count").textContent = found.length;
  byId("marks").replaceChildren(...found.map(([chapter, line, place, mark]) =>
    made("li", {}, made("button", {type: "button", onclick: () => goTo(chapter, line)}, `${place} ${mark.note || line[5].slice(0, 60)}`))));
}

const cell = (value) => /[",\n;]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value;
const EXPORTS = {
  csv: ["marks.csv", (rows) => ["line,chapter,time,end,speaker,quote,note", ...rows.map(({chapter, line, place, mark}) =>
    [place, String(chapter.number), clock(line[3], true), clock(line[4], true), book.speakers[line[2]].name, line[5], mark.note].map(cell).join(","))]],
  audacity: ["labels.txt", (rows) => rows.map(({line, place, mark, offset}) =>
    `${(line[3] + offset).toFixed(3)}\t${(line[4] + offset).toFixed(3)}\t[${place}] ${mark.note}`)],
  reaper: ["regions.csv", (rows) => ["#,Name,Start,End,Length", ...rows.map(({line, place, mark, offset}, index) =>
    [`R${index + 1}`, `[${place}] ${mark.note}`, (line[3] + offset).toFixed(3), (line[4] + offset).toFixed(3), (line[4] - line[3]).toFixed(3)].map(cell).join(","))]],
};

// What a file of marks holds. Times are of the whole book, its chapters end to end, or of the chapter that is shown.
function exported(kind) {
  const whole = byId("scope").value === "book", offsets = new Map();
  let passed = 0;
  for (const chapter of book.chapters) { offsets.set(chapter, whole ? passed : 0); passed += chapter.seconds; }
  const rows = marked().filter(([chapter]) => whole || chapter === view.chapter)
    .map(([chapter, line, place, mark]) => ({chapter, line, place, mark, offset: offsets.get(chapter)}));
  return EXPORTS[kind][1](rows).join("\n") + "\n";
}

for (const button of document.querySelectorAll("[data-export]")) {
  button.addEventListener("click", () => {
    const kind = button.dataset.export, link = made("a", {download: EXPORTS[kind][0]});
    link.href = URL.createObjectURL(new Blob([exported(kind)], {type: "text/plain"}));
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
