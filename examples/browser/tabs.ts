/**
 * The two tabs: by click, by arrow keys, and by the address (`#console`), so that the browser's way back works.
 *
 * @module
 */
/// <reference lib="dom" />

/** Shows the panel of the tab that the address names, and again when it changes. `opened` is called when the second is first seen. */
export function openTabs(opened: () => void): void {
  const tabs = [...document.querySelectorAll<HTMLElement>('[role="tab"]')];
  let isOpened = false;

  function show(): void {
    const chosen = location.hash === "#console" ? 1 : 0;
    tabs.forEach((tab, i) => {
      const isChosen = i === chosen;
      tab.ariaSelected = `${isChosen}`;
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")!)!.hidden = !isChosen;
    });
    if (chosen === 1 && !isOpened) {
      isOpened = true;
      opened();
    }
  }

  tabs.forEach((tab, i) => {
    tab.onclick = () => location.hash = tab.getAttribute("aria-controls")!;
    tab.onkeydown = ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      tabs[1 - i].focus();
      tabs[1 - i].click();
    };
  });
  addEventListener("hashchange", show);
  show();
}
