// The text of one chapter. Lines are in blocks that are filled while they are near the screen, and emptied after.

const BLOCK = 50, ROW_PX = 34;
const view = {chapter: book.chapters[0], rows: [], at: -1};

function shows(chapter, line) {
  const speaker = byId("speaker").value, wanted = byId("severity").value;
  if (speaker !== "" && line[2] !== Number(speaker)) return false;
  if (!wanted) return true;
  if (wanted === "changed") return Boolean(line[6] & CHANGED);
  if (wanted === "marked") return marks.has(placeOf(chapter, line));
  return findingsOf(chapter, line).some((finding) => wanted === "any" || finding.severity === wanted);
}

const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) fill(entry.target);
    else if (entry.target.firstChild && !entry.target.contains(document.activeElement)) empty(entry.target);
  }
}, {root: byId("lines"), rootMargin: "1200px"});

function fill(block) {
  if (block.firstChild) return;
  const first = Number(block.dataset.first);
  block.append(made("ol", {}, ...view.rows.slice(first, first + BLOCK).map((line, place) => row(line, first + place))));
  block.style.height = "";
}

function empty(block) {
  block.style.height = `${block.offsetHeight}px`;
  block.replaceChildren();
}

function row(line, index) {
  const chapter = view.chapter, place = placeOf(chapter, line), found = findingsOf(chapter, line);
  const text = made("span", {class: "text"}, line[5]);
  for (const finding of found) text.append(badge(`${finding.severity} ${finding.code}`, finding.severity, finding.message));
  if (line[6] & CHANGED) text.append(badge("changed", "changed", ""));
  if (marks.has(place)) text.append(badge(`marked ${marks.get(place).note}`.trim(), "marked", ""));
  const classes = ["line", line[6] & FRESH ? "fresh" : "", line[6] & UNHEARD ? "unheard" : "", index === view.at ? "here" : ""];
  return made("li", {}, made("button", {
    type: "button", class: classes.join(" ").trim(), style: hue(line[2]), "data-index": index, tabindex: index === Math.max(view.at, 0) ? 0 : -1,
    onclick: () => { choose(index); hear(line); },
  }, made("span", {class: "place"}, place), made("span", {class: "who"}, book.speakers[line[2]].name), text));
}

const badge = (words, kind, title) => made("span", {class: `badge ${kind}`, title}, words);

function showRows() {
  const list = byId("lines");
  nearby.disconnect();
  view.rows = view.chapter.lines.filter((line) => shows(view.chapter, line));
  view.at = Math.min(view.at, view.rows.length - 1);
  const blocks = [];
  for (let first = 0; first < view.rows.length; first += BLOCK) {
    const block = made("div", {class: "block", "data-first": first});
    block.style.height = `${Math.min(BLOCK, view.rows.length - first) * ROW_PX}px`;
    blocks.push(block);
  }
  list.replaceChildren(...blocks);
  blocks.forEach((block) => nearby.observe(block));
  if (!view.rows.length) list.append(made("p", {}, "No line of this chapter is like that."));
}

function rowAt(index) {
  const block = byId("lines").children[Math.floor(index / BLOCK)];
  if (block) fill(block);
  return byId("lines").querySelector(`[data-index="${index}"]`);
}

// Make a line the current one; `focused` moves the keyboard there too.
function choose(index, focused = true, where = "nearest") {
  if (index < 0 || index >= view.rows.length) return;
  const before = byId("lines").querySelector(".line.here");
  if (before) { before.classList.remove("here"); before.tabIndex = -1; }
  view.at = index;
  const button = rowAt(index);
  button.classList.add("here");
  button.tabIndex = 0;
  if (focused) button.focus({preventScroll: true});
  button.scrollIntoView({block: where});
}

function redrawRow(index) {
  const button = byId("lines").querySelector(`[data-index="${index}"]`);
  if (button) button.parentElement.replaceWith(row(view.rows[index], index));
}

function showChapter(chapter) {
  stop();
  view.chapter = chapter;
  view.at = -1;
  byId("lines").scrollTop = 0;
  byId("chapter-title").textContent = chapter.title;
  for (const button of byId("chapters").querySelectorAll("button")) {
    if (Number(button.dataset.number) === chapter.number) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  showRows();
  open(chapter);
}

// To a line of any chapter, with all filters off if they hide it.
function goTo(chapter, line) {
  if (chapter !== view.chapter) showChapter(chapter);
  if (!view.rows.includes(line)) {
    byId("speaker").value = byId("severity").value = "";
    showRows();
  }
  choose(view.rows.indexOf(line), true, "center");
  seek(line[3]);
}

// The next line of the book after the current one that is like that, from the start again at the end.
function goToNext(wanted, missing) {
  const all = book.chapters.flatMap((chapter) => chapter.lines.map((line) => [chapter, line]));
  const here = view.at >= 0 ? all.findIndex(([, line]) => line === view.rows[view.at]) : all.findIndex(([chapter]) => chapter === view.chapter) - 1;
  for (let step = 1; step <= all.length; step++) {
    const [chapter, line] = all[(here + step + all.length) % all.length];
    if (wanted(chapter, line)) return goTo(chapter, line);
  }
  tell(missing);
}
