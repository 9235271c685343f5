package loupegrpc;

import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import loupegrpc.v1.AdaptationState;
import loupegrpc.v1.FrameResult;
import loupegrpc.v1.Note;
import loupegrpc.v1.Provenance;
import loupegrpc.v1.Region;
import loupegrpc.v1.TemporalVerdict;
import loupegrpc.v1.TileReport;

/**
 * What was found in a picture.
 *
 * @param message as it came, with what is not repeated here
 */
public record Analysis(FrameResult message) {
    /**
     * The probability that the picture was forged.
     *
     * @return 0 to 1
     */
    public float score() {
        return message.getScore();
    }

    /**
     * The score against the thresholds.
     *
     * @return what it means
     */
    public Verdict verdict() {
        return Wire.of(Verdict.values(), message.getVerdictValue());
    }

    /**
     * The lower threshold that was used.
     *
     * @return below it authentic
     */
    public float low() {
        return message.getThresholds().getLow();
    }

    /**
     * The upper threshold that was used.
     *
     * @return from it on manipulated
     */
    public float high() {
        return message.getThresholds().getHigh();
    }

    /**
     * Where it was forged.
     *
     * @return empty where {@link #maskOmission} says why
     */
    public Optional<Mask> mask() {
        return message.hasMask() ? Optional.of(new Mask(message.getMask())) : Optional.empty();
    }

    /**
     * Why there is no mask.
     *
     * @return unspecified where there is one
     */
    public MaskOmission maskOmission() {
        return Wire.of(MaskOmission.values(), message.getMaskOmissionValue());
    }

    /**
     * Whether the mask fits the verdict.
     *
     * @return unspecified where no mask was computed
     */
    public MaskAgreement maskAgreement() {
        return Wire.of(MaskAgreement.values(), message.getMaskAgreementValue());
    }

    /**
     * Connected parts of the mask.
     *
     * @return the largest first, at most 32
     */
    public List<Region> regions() {
        return message.getRegionsList();
    }

    /**
     * What an analyst should know about how the picture was read.
     *
     * @return as they came; {@link #noteCodes} of the same order
     */
    public List<Note> notes() {
        return message.getNotesList();
    }

    /**
     * What an analyst should know about how the picture was read, without its texts.
     *
     * @return in the order of {@link #notes}
     */
    public List<NoteCode> noteCodes() {
        return message
            .getNotesList()
            .stream()
            .map(note -> Wire.of(NoteCode.values(), note.getCodeValue()))
            .toList();
    }

    /**
     * What was left out because the session loses frames.
     *
     * @return of what would have been done otherwise
     */
    public List<Economy> economies() {
        return message
            .getEconomiesValueList()
            .stream()
            .map(economy -> Wire.of(Economy.values(), economy))
            .toList();
    }

    /**
     * Columns of the picture as analysed.
     *
     * @return pixels
     */
    public int width() {
        return message.getWidth();
    }

    /**
     * Rows of the picture as analysed.
     *
     * @return pixels
     */
    public int height() {
        return message.getHeight();
    }

    /**
     * How viewers turn the picture, in EXIF's numbering.
     *
     * @return 1 to 8; 1 is upright
     */
    public int orientation() {
        return message.getOrientation();
    }

    /**
     * The SHA-256 of the bytes received.
     *
     * @return hexadecimal
     */
    public String sha256() {
        return HexFormat.of().formatHex(message.getSha256().toByteArray());
    }

    /**
     * The state that the frame was answered with.
     *
     * @return empty in sessions that do not adapt
     */
    public Optional<AdaptationState> adaptation() {
        return message.hasAdaptation() ? Optional.of(message.getAdaptation()) : Optional.empty();
    }

    /**
     * The mask without adaptation.
     *
     * @return empty in sessions without the dual verdict
     */
    public Optional<Mask> baseMask() {
        return message.hasBaseMask() ? Optional.of(new Mask(message.getBaseMask())) : Optional.empty();
    }

    /**
     * How the picture was looked at in tiles.
     *
     * @return empty where it was looked at whole
     */
    public Optional<TileReport> tiles() {
        return message.hasTiles() ? Optional.of(message.getTiles()) : Optional.empty();
    }

    /**
     * What was measured, in sentences.
     *
     * @return empty where no language was asked for
     */
    public List<Explanation> explanation() {
        return message.getExplanationList().stream().map(Explanation::of).toList();
    }

    /**
     * What was found, signed.
     *
     * @return one line of JSON; empty where it was not asked for
     */
    public byte[] receipt() {
        return message.getReceipt().toByteArray();
    }

    /**
     * What the frames up to this one say together.
     *
     * @return empty where it was not asked for
     */
    public Optional<TemporalVerdict> overTime() {
        return message.hasTemporal() ? Optional.of(message.getTemporal()) : Optional.empty();
    }

    /**
     * What the file itself says of where it comes from, Content Credentials among it.
     *
     * @return empty where it says nothing
     */
    public Optional<Provenance> provenance() {
        return message.hasProvenance() ? Optional.of(message.getProvenance()) : Optional.empty();
    }
}
