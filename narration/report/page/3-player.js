// The sound of a chapter (in one file or several) and its waveform.

const sound = byId("sound");
const player = {file: null, wanted: null};
const WINDOW_S = 30;

function open(chapter) {
  player.file = null;
  seek(0);
  draw();
}

const fileAt = (seconds) => view.chapter.files.findLast((file) => file.start <= seconds + 0.001) || view.chapter.files[0];
const now = () => player.wanted !== null ? player.wanted : player.file ? player.file.start + sound.currentTime : 0;

function seek(seconds) {
  const file = fileAt(seconds);
  player.wanted = seconds;
  if (file !== player.file) {
    player.file = file;
    sound.src = file.src;
  }
  settle();
  draw();
}

// A place can be taken only when the file's length is known.
function settle() {
  if (player.wanted === null || sound.readyState < 1) return;
  sound.currentTime = Math.max(0, player.wanted - player.file.start);
  player.wanted = null;
}

function hear(line) {
  seek(line[3]);
  start();
}

function start() {
  sound.playbackRate = Number(byId("speed").value);
  sound.play().catch((error) => { if (error.name !== "AbortError") tell(`${player.file.name} cannot be played: is it beside this page?`); });
}

function stop() { sound.pause(); }
function playOrPause() { if (sound.paused) start(); else stop(); }

sound.addEventListener("loadedmetadata", settle);
sound.addEventListener("play", () => { byId("play").textContent = "Pause"; requestAnimationFrame(follow); });
sound.addEventListener("pause", () => { byId("play").textContent = "Play"; });
sound.addEventListener("seeked", draw);
sound.addEventListener("ended", () => {
  const next = view.chapter.files[view.chapter.files.indexOf(player.file) + 1];
  if (next) { seek(next.start); start(); }
});

// While it plays, the line that is heard is the current one.
function follow() {
  if (sound.paused) return;
  const seconds = now();
  const line = view.rows[view.at];
  if (!line || seconds < line[3] || seconds >= line[4]) {
    const index = view.rows.findIndex((one) => seconds >= one[3] && seconds < one[4]);
    if (index >= 0 && index !== view.at) choose(index, byId("lines").contains(document.activeElement));
  }
  draw();
  requestAnimationFrame(follow);
}

function draw() {
  const chapter = view.chapter, seconds = now();
  drawWave(byId("overview"), 0, chapter.seconds, seconds);
  const first = Math.max(0, Math.min(seconds - WINDOW_S / 2, chapter.seconds - WINDOW_S));
  drawWave(byId("detail"), first, first + WINDOW_S, seconds);
  byId("clock").textContent = `${clock(seconds)} of ${clock(chapter.seconds)}`;
  const slider = byId("overview");
  slider.setAttribute("aria-valuemax", Math.round(chapter.seconds));
  slider.setAttribute("aria-valuenow", Math.round(seconds));
  slider.setAttribute("aria-valuetext", clock(seconds));
}

function drawWave(canvas, from, to, seconds) {
  const scale = window.devicePixelRatio || 1, width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width) canvas.width = width;
  const paint = canvas.getContext("2d"), wave = waveOf(view.chapter), colours = getComputedStyle(document.documentElement);
  paint.clearRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = colours.getPropertyValue("--wave");
  const each = (to - from) * book.points_per_s / width;
  for (let x = 0; x < width; x++) {
    const first = Math.floor(from * book.points_per_s + x * each), last = Math.max(first + 1, Math.floor(first + each));
    let peak = 0;
    for (let at = first; at < last && at < wave.length; at++) peak = Math.max(peak, wave[at]);
    const tall = Math.max(1, peak / 255 * canvas.height);
    paint.fillRect(x, (canvas.height - tall) / 2, 1, tall);
  }
  const xOf = (at) => (at - from) / (to - from) * width;
  for (const line of view.chapter.lines) {
    if (line[4] < from || line[3] > to || !findingsOf(view.chapter, line).length) continue;
    paint.fillStyle = colours.getPropertyValue("--error");
    paint.fillRect(xOf(line[3]), 0, Math.max(2, xOf(line[4]) - xOf(line[3])), 4 * scale);
  }
  paint.fillStyle = colours.getPropertyValue("--ink");
  paint.fillRect(xOf(seconds) - scale, 0, 2 * scale, canvas.height);
}

for (const id of ["overview", "detail"]) {
  byId(id).addEventListener("click", (event) => {
    const share = event.offsetX / event.target.clientWidth, length = view.chapter.seconds;
    const first = id === "overview" ? 0 : Math.max(0, Math.min(now() - WINDOW_S / 2, length - WINDOW_S));
    seek(Math.min(length, first + share * (id === "overview" ? length : WINDOW_S)));
  });
}
byId("speed").addEventListener("change", () => { sound.playbackRate = Number(byId("speed").value); });
window.addEventListener("resize", draw);
