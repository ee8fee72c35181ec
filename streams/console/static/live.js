// What is live: the header's words, and the page of now. Without this a page still says everything, as of its loading.
// A page that shows nothing yet, because it is being made, is loaded again.
"use strict";
const live = document.getElementById("live");
const now = document.getElementById("now");
const source = new EventSource(now ? "/live?page=now" : "/live");
source.onmessage = (event) => {
  const told = JSON.parse(event.data);
  live.className = "live " + (told.state === "live" ? "" : told.state);
  live.textContent = told.words;
  if (now && told.html && !now.contains(document.activeElement)) now.innerHTML = told.html;
};
source.onerror = () => {
  live.className = "live away";
  live.textContent = "the console does not answer; as of " + new Date().toLocaleTimeString();
};
for (const chart of document.querySelectorAll(".newest")) {
  const now = chart.querySelector(".ahead line.now"); // what is to come stands right of it
  const from = chart.getBoundingClientRect().left + 0.6 * chart.clientWidth;
  chart.scrollLeft = now ? now.getBoundingClientRect().left - from : chart.scrollWidth;
}
if (document.querySelector("[data-waits]")) setTimeout(() => location.reload(), 2000);
