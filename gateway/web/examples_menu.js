// The "Examples" menu: every example operation, by group, with a line on what it does.

import { element } from './elements.js';
import { examples } from './examples.js';

/** The button and its list; `onPick(example)` is called with the one that was chosen. */
export function createExamplesMenu(onPick) {
  const list = element('div', { id: 'examples', class: 'examples', popover: 'auto' });
  const button = element('button', { class: 'menu', type: 'button', popovertarget: 'examples' }, 'Examples');
  for (const [group, members] of Object.entries(Object.groupBy(examples, (example) => example.group))) {
    list.append(element('h3', {}, group), ...members.map((example) => entry(example, list, onPick)));
  }
  list.addEventListener('beforetoggle', () => {
    list.style.setProperty('--left', `${button.getBoundingClientRect().left}px`);
  });
  return [button, list];
}

function entry(example, list, onPick) {
  const pick = () => {
    list.hidePopover();
    onPick(example);
  };
  return element(
    'button',
    { type: 'button', onclick: pick },
    element('span', { class: 'title' }, example.name),
    element('span', { class: 'about' }, example.about),
  );
}
