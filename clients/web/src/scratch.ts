/** A canvas that is used again and again. One for each frame would be garbage whose pixels the browser does not count, and clears away late. */
export class Scratch {
    private readonly context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;

    /** Empty, of a size in pixels. What was on it before is gone. */
    of(width: number, height: number): OffscreenCanvasRenderingContext2D {
        const { canvas } = this.context;
        if (canvas.width === width && canvas.height === height) {
            this.context.clearRect(0, 0, width, height);
        } else {
            [canvas.width, canvas.height] = [width, height];
        }
        return this.context;
    }
}
