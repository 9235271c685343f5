package loupegrpc;

/**
 * What every outcome says of its frame.
 *
 * @param id the caller's number of it; unsigned
 * @param index its number within the session, from 0, in the order in which {@link Session#send} took them
 * @param sequence the server's number of it, which events and the summary's timeline name; -1 for frames that were never sent
 */
public record FrameInfo(long id, int index, long sequence) {}
