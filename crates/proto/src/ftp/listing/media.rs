//! Which media type does a file's extension promise (the `media-type` fact, RFC 3659 §7.5.8)? Only the common
//! ones: a fact that is a guess anyway needs no table of a thousand lines.

/// Extensions and their types, in the order of the extensions.
const TYPES: [(&str, &str); 52] = [
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("deb", "application/vnd.debian.binary-package"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/vnd.microsoft.icon"),
    ("iso", "application/x-iso9660-image"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mkv", "video/matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rar", "application/vnd.rar"),
    ("rpm", "application/x-rpm"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("wav", "audio/vnd.wave"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("xz", "application/x-xz"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// The media type of a file with this name, where its extension is a common one.
pub(super) fn media_type(name: &[u8]) -> Option<&'static str> {
    let dot = memchr::memrchr(b'.', name).filter(|&at| at > 0)?;
    let extension = name.get(dot + 1..).filter(|e| e.len() <= 8)?;
    let lower = extension.iter().map(u8::to_ascii_lowercase);
    let at = TYPES.binary_search_by(|(known, _)| known.bytes().cmp(lower.clone())).ok()?;
    TYPES.get(at).map(|(_, media)| *media)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_found() {
        assert!(TYPES.is_sorted_by(|a, b| a.0 < b.0));
        for (extension, media) in TYPES {
            assert_eq!(media_type(format!("a.b.{}", extension.to_uppercase()).as_bytes()), Some(media));
        }
        for none in ["txt", ".txt", "a.", "a.unknown", "a.verylongextension", ""] {
            assert_eq!(media_type(none.as_bytes()), None, "{none}");
        }
    }
}
