// The page: chapters, lists, keys.

function listOf(id, entries, label) {
  byId(id).replaceChildren(...entries.map((entry) => made("li", {}, label(entry))));
}

function tableOf(id, headings, rows) {
  const head = made("tr", {}, ...headings.map((heading) => made("th", {scope: "col"}, heading)));
  const body = rows.map((cells) => made("tr", {}, ...cells.map((value) =>
    made("td", typeof value === "number" ? {class: "number"} : {}, String(value)))));
  byId(id).replaceChildren(made("table", {}, made("thead", {}, head), made("tbody", {}, ...body)));
}

function placeButton(chapterNumber, lineNumber, words, kind = "") {
  const chapter = book.chapters.find((one) => one.number === chapterNumber);
  const line = chapter && chapter.lines.find((one) => one[0] === lineNumber);
  const go = () => line ? goTo(chapter, line) : chapter ? showChapter(chapter) : undefined;
  return made("button", {type: "button", class: kind, onclick: go}, ...[words].flat());
}

function showAll() {
  byId("sums").textContent = `${book.author ? `${book.author}, ` : ""}${clock(book.seconds)}, ${book.lines} lines, ${book.speakers.length} speakers`;
  listOf("chapters", book.chapters, (chapter) => {
    const found = chapter.lines.filter((line) => findingsOf(chapter, line).length).length;
    const more = [clock(chapter.seconds), found ? `${found} with findings` : "", chapter.changed ? `${chapter.changed} changed` : ""];
    return made("button", {type: "button", "data-number": chapter.number, onclick: () => showChapter(chapter)},
      `${chapter.number}. ${chapter.title} `, made("small", {}, more.filter(Boolean).join(", ")));
  });
  book.speakers.forEach((speaker, index) => byId("speaker").append(made("option", {value: index}, speaker.name)));
  byId("finding-count").textContent = book.findings.length;
  listOf("findings", book.findings, (finding) => placeButton(finding.chapter, finding.line,
    [made("span", {class: finding.severity}, `${finding.line ? `${finding.chapter}:${finding.line} ` : finding.chapter ? `chapter ${finding.chapter} ` : ""}${finding.code}: ${finding.message}`),
      ` ${finding.hint}`], finding.severity));
  byId("change-count").textContent = book.changes.length;
  listOf("changes", book.changes, (change) => placeButton(change.chapter, change.line, `${change.place} ${change.what}`));
  tableOf("voices", ["speaker", "lines", "minutes", "voice"], book.speakers.map((one) => [one.name, one.lines, Number((one.seconds / 60).toFixed(1)), one.voice]));
  tableOf("measures", book.measures.headings, book.measures.rows);
  tableOf("cost", ["what", "how much"], book.cost);
  showMarks();
  showChapter(book.chapters[0]);
}

function nextFinding() {
  const here = view.rows[view.at], from = view.chapter;
  const isHere = (chapter, line) => here && chapter === from && line[0] === here[0];  // a line may have several parts
  goToNext((chapter, line) => findingsOf(chapter, line).length > 0 && !isHere(chapter, line), "There is no other finding.");
}
const nextChange = () => goToNext((chapter, line) => line[6] & CHANGED, "No line has changed since the last render.");
function nextChapter(step) {
  const chapter = book.chapters[book.chapters.indexOf(view.chapter) + step];
  if (chapter) showChapter(chapter);
}

const KEYS = {
  " ": playOrPause, n: nextFinding, c: nextChange, m: markLine, "[": () => nextChapter(-1), "]": () => nextChapter(1),
  ArrowDown: () => choose(view.at + 1), ArrowUp: () => choose(view.at - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("note-box").open) return;
  const target = event.target, name = target.tagName;
  if (name === "TEXTAREA" || name === "SELECT" || name === "SUMMARY" || name === "INPUT") return;
  if (target.id === "overview" && /^Arrow|^Home$|^End$/.test(event.key)) {
    const steps = {ArrowLeft: -5, ArrowRight: 5, ArrowDown: -30, ArrowUp: 30, Home: -Infinity, End: Infinity};
    seek(Math.min(view.chapter.seconds, Math.max(0, now() + steps[event.key])));
    return event.preventDefault();
  }
  if (event.key === " " && name === "BUTTON" && !target.classList.contains("line")) return;
  if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
});

byId("play").addEventListener("click", playOrPause);
byId("next-finding").addEventListener("click", nextFinding);
byId("next-change").addEventListener("click", nextChange);
byId("mark").addEventListener("click", markLine);
for (const id of ["speaker", "severity"]) byId(id).addEventListener("change", () => { view.at = -1; showRows(); });

showAll();
