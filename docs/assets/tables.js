// A table that is wider than the page scrolls sideways; without a mouse, one gets to it by Tab.

function reach() {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
    else wrap.removeAttribute("tabindex");
  }
}

// The theme tells of every page that it shows, and then wraps its tables.
window.document$.subscribe(() => requestAnimationFrame(reach));
window.addEventListener("resize", reach);
