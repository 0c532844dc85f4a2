// Where the keyboard and the screen reader go on after the page has changed below them.

let observer = null;

/** Moves the focus to the heading of what is shown: at once, or when it is there. Whoever has moved on meanwhile is left alone. */
export function arrive() {
  const main = document.getElementById('main');
  observer?.disconnect();
  main.focus({ preventScroll: true });
  const move = () => {
    const heading = main.querySelector('h1');
    if (!heading) return;
    observer.disconnect();
    if (document.activeElement !== main && document.activeElement !== document.body) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };
  observer = new MutationObserver(move);
  observer.observe(main, { childList: true, subtree: true });
  move();
}
