package loupegrpc;

/** What happened to a session on the server. A value that a newer server sends is {@link #UNSPECIFIED}. */
public enum EventKind {
    /** See the message. */
    UNSPECIFIED,

    /** The server is stopping: frames from its sequence on are dropped. */
    DRAINING,

    /** The guard froze the adaptation. */
    ADAPTATION_FROZEN,

    /** The guard rolled the adaptation back. */
    ADAPTATION_ROLLED_BACK,

    /** The adaptation state was evicted to keep the server's memory budget. */
    ADAPTATION_EVICTED,

    /** Another provider runs the model from now on. */
    PROVIDER_CHANGED,

    /** Another connection resumed this session. */
    TAKEN_OVER,

    /** An administrator ended the session, or another session needed its place. */
    TERMINATED,

    /** The session goes on from a checkpoint that is older than what its client has heard. */
    STATE_LOST,
}
