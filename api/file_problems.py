"""What the operating system refuses, in words that name the file and what to look at."""

import errno
import os

from signing.visible import visible

# The reasons that people meet: Vietnamese, English.
_REASONS = {
    errno.ENOENT: ("không có tệp hoặc thư mục này", "there is no such file or folder"),
    errno.EACCES: ("không có quyền", "no right to do so"),
    errno.EPERM: ("hệ thống không cho phép", "the system does not allow it"),
    errno.EISDIR: ("đây là thư mục, không phải tệp", "it is a folder, not a file"),
    errno.ENOTDIR: ("một phần của đường dẫn không phải thư mục", "a part of the path is no folder"),
    errno.EEXIST: ("đã có sẵn", "it is there already"),
    errno.ENOSPC: ("hết chỗ trên đĩa", "the disk is full"),
    errno.EDQUOT: ("hết phần đĩa được cấp", "the disk quota is used up"),
    errno.EFBIG: ("tệp vượt giới hạn cho phép", "the file is larger than allowed"),
    errno.EROFS: ("đĩa chỉ đọc", "the disk is read-only"),
    errno.ENAMETOOLONG: ("tên quá dài", "the name is too long"),
    errno.ELOOP: ("liên kết vòng tròn", "links that lead in a circle"),
    errno.EIO: ("lỗi đọc ghi của đĩa", "the disk gives an error"),
    errno.EMFILE: ("quá nhiều tệp đang mở", "too many files are open"),
    errno.EBADF: ("không có gì được mở ở số này", "nothing is open under this number"),
    errno.EADDRINUSE: ("cổng đang được chương trình khác dùng", "another program uses this port"),
    errno.EADDRNOTAVAIL: ("máy này không có địa chỉ đó", "this machine does not have that address"),
    errno.ECONNREFUSED: ("bên kia từ chối kết nối", "the other side refuses the connection"),
    errno.ETXTBSY: ("tệp đang được dùng", "the file is in use"),
}


def file_problem(problem: OSError) -> str:
    """One sentence, Vietnamese / English; the system's own words only for a reason that people do not meet."""
    named = visible(os.fsdecode(problem.filename)) if isinstance(problem.filename, str | bytes | os.PathLike) else ""
    own = problem.strerror or str(problem) or type(problem).__name__
    vi, en = _REASONS.get(problem.errno or 0, (own, own))
    if not named:
        return f"Không đọc hoặc ghi được: {vi} / It cannot be read or written: {en}"
    return (
        f"Không đọc hoặc ghi được «{named}», kiểm tra đường dẫn và quyền truy cập: {vi}"
        f" / “{named}” cannot be read or written, check the path and the rights: {en}"
    )
