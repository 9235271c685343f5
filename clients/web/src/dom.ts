type Child = Node | string | undefined | false;
type Props<Name extends keyof HTMLElementTagNameMap> = Partial<Omit<HTMLElementTagNameMap[Name], 'attributes' | 'style'>> & {
    attributes?: Record<string, string>;
};

/** An element with its properties and what stands in it. Text is text: nothing that comes from outside becomes markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
    name: Name,
    { attributes = {}, ...own }: Props<Name> = {},
    ...children: Child[]
): HTMLElementTagNameMap[Name] {
    const made = document.createElement(name);
    Object.assign(made, own);
    for (const [key, value] of Object.entries(attributes)) {
        made.setAttribute(key, value);
    }
    made.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
    return made;
}

const svgNames = 'http://www.w3.org/2000/svg';

export function drawing(name: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
    const made = document.createElementNS(svgNames, name);
    for (const [key, value] of Object.entries(attributes)) {
        made.setAttribute(key, String(value));
    }
    made.append(...children);
    return made;
}
