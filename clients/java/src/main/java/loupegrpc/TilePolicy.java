package loupegrpc;

/** Whether picture files are looked at in tiles. */
public enum TilePolicy {
    /** Off. */
    UNSPECIFIED,

    /** Never. */
    OFF,

    /** Large ones, where the model was trained so; not in sessions that adapt. */
    AUTO,

    /** Every picture file; not in sessions that adapt. */
    NATIVE,
}
