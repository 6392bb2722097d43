// The book as the page was given it, and small words for places and times.
// A line is [number, part, speaker, start, end, text, flags]; flags: 1 a paragraph begins, 2 changed, 4 not heard.

const book = JSON.parse(document.getElementById("book").textContent);
const FRESH = 1, CHANGED = 2, UNHEARD = 4;
const byId = (id) => document.getElementById(id);

const placeOf = (chapter, line) => `${chapter.number}:${line[0]}` + (line[1] ? `.${line[1]}` : "");

function clock(seconds, tenths = false) {
  const whole = Math.max(0, tenths ? Math.floor(seconds * 10) / 10 : Math.floor(seconds));
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole % 3600 / 60), rest = whole % 60;
  const last = tenths ? rest.toFixed(1).padStart(4, "0") : String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${last}` : `${minutes}:${last}`;
}

function made(tag, facts = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name === "class") element.className = value;
    else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...inside);
  return element;
}

// Findings by chapter and line; those of a whole chapter or the book are under line 0.
const findingsAt = new Map();
for (const finding of book.findings) {
  const key = `${finding.chapter}:${finding.line}`;
  findingsAt.set(key, [...(findingsAt.get(key) || []), finding]);
}
const findingsOf = (chapter, line) => findingsAt.get(`${chapter.number}:${line[0]}`) || [];

// The bytes of a chapter's waveform are decoded when the chapter is first shown.
const waves = new Map();
function waveOf(chapter) {
  if (!waves.has(chapter)) waves.set(chapter, Uint8Array.from(atob(chapter.wave), (char) => char.charCodeAt(0)));
  return waves.get(chapter);
}

const hue = (speaker) => ({"--hue": String(Math.round(speaker * 137.5) % 360), "--strength": speaker ? "75%" : "0%"});

function tell(words) { byId("told").textContent = words; }
