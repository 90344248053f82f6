// The chart of observed against expected, alive: values under the pointer, zoom. Without it the server's drawing stays.
"use strict";
(() => {
  const HEIGHT = 280;
  // Tickets come whole: the axis is marked at whole numbers.
  const COUNTS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap((power) => [power, 2 * power, 5 * power]);
  if (!window.uPlot) return;
  let figure = null;
  let course = null;
  let words = null;
  let data = null;
  let plot = null;

  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // The end of the last bucket is a point of its own, so that its bar and its steps have their width.
  const closed = (values) => [...values, null];
  const held = (values) => [...values, values[values.length - 1]];
  const columns = () => [
    [...course.start, course.end],
    closed(course.observed),
    closed(course.observed.map((count, i) => (count >= course.bound[i] ? count : null))),
    held(course.expected),
    held(course.bound),
    held(course.bound.map(() => 0)),
  ];

  const shade = (u) => {
    const left = u.valToPos(course.window[0], "x", true);
    const right = u.valToPos(course.window[1], "x", true);
    u.ctx.fillStyle = ink("window");
    u.ctx.fillRect(left, u.bbox.top, Math.max(3, right - left), u.bbox.height);
  };
  const flag = (u) => {
    const x = u.valToPos(course.raised, "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = ink("hot");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
    const r = 6 * devicePixelRatio;
    ctx.beginPath(); ctx.moveTo(x - r, bbox.top - r * 1.6); ctx.lineTo(x + r, bbox.top - r * 1.6); ctx.lineTo(x, bbox.top); ctx.fill();
    ctx.restore();
  };

  const options = () => {
    const bars = uPlot.paths.bars({ align: 1, size: [0.85, Infinity], gap: 1 });
    const steps = uPlot.paths.stepped({ align: 1 });
    const axis = { stroke: ink("soft"), grid: { stroke: ink("line"), width: 1 }, ticks: { stroke: ink("line") }, font: "12px system-ui" };
    const two = (n) => String(n).padStart(2, "0");
    const moment = (u, at) => {
      if (at == null) return "–";
      const d = uPlot.tzDate(new Date(at * 1000), course.zone);
      return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
    };
    const count = (u, value) => (value == null ? "–" : String(value));
    return {
      width: figure.clientWidth,
      height: HEIGHT,
      padding: [18, 8, 0, 0],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), course.zone),
      scales: { y: { range: (u, low, high) => [0, Math.max(high, 1) * 1.05] } },
      cursor: { points: { show: false }, y: false },
      legend: { live: true, markers: { show: false } },
      axes: [
        { ...axis, values: [
          [86400, "{MM}-{DD}", null, null, null, null, null, null, 1],
          [3600, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
          [60, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
        ] },
        { ...axis, size: 46, incrs: COUNTS },
      ],
      series: [
        { label: words.time, value: moment },
        { label: words.observed, fill: ink("bar"), width: 0, paths: bars, points: { show: false }, value: count },
        { label: "", fill: ink("hot"), width: 0, paths: bars, points: { show: false }, class: "unlisted" },
        { label: words.expected, stroke: ink("expected"), width: 1.6, paths: steps, points: { show: false }, value: count },
        { label: words.bound, stroke: "transparent", width: 0, paths: steps, points: { show: false }, value: count },
        { label: "", stroke: "transparent", width: 0, paths: steps, points: { show: false }, class: "unlisted" },
      ],
      bands: [{ series: [4, 5], fill: ink("normal") }],
      hooks: { drawClear: [shade], draw: [flag] },
    };
  };

  const draw = () => {
    plot?.destroy();
    plot = new uPlot(options(), data, figure);
    figure.prepend(plot.root);
    figure.classList.add("alive");
  };

  const resized = new ResizeObserver(() => plot?.setSize({ width: figure.clientWidth, height: HEIGHT }));

  const enliven = () => {
    resized.disconnect();
    plot?.destroy();
    plot = null;
    figure = document.querySelector("figure.course");
    if (!figure) return;
    course = JSON.parse(figure.dataset.course);
    words = figure.dataset;
    data = columns();
    draw();
    resized.observe(figure);
  };

  enliven();
  document.addEventListener("ew:evidence", enliven);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figure && draw());
})();
