//! The transport that clients speak: length, number, payload, checksum.

use std::io;

use flate2::Crc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No client of ours sends more at once.
const LONGEST: usize = 4 << 20;

/// The next payload; None at the end.
pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let total = usize::try_from(u32::from_le_bytes(length)).unwrap();
    assert!((12..LONGEST).contains(&total), "a packet of {total} bytes");
    let mut packet = vec![0; total];
    packet[..4].copy_from_slice(&length);
    from.read_exact(&mut packet[4..]).await?;
    assert_eq!(packet[total - 4..], crc(&packet[..total - 4]), "a packet with a wrong checksum");
    Ok(Some(packet[8..total - 4].to_vec()))
}

/// Writes a payload as the `number`th packet.
pub async fn write(to: &mut (impl AsyncWrite + Unpin), number: i32, payload: &[u8]) -> io::Result<()> {
    let total = u32::try_from(payload.len() + 12).unwrap();
    let mut packet = [&total.to_le_bytes()[..], &number.to_le_bytes(), payload].concat();
    packet.extend(crc(&packet));
    to.write_all(&packet).await
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}
