// Runs before the first paint, so that a chosen theme never flashes; without a choice the system's theme holds.
if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
