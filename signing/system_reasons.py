"""Why the operating system refuses something, in Vietnamese and English.

vi, en = system_reason(problem)          # ("hết chỗ trên đĩa", "the disk is full")
"""

import errno

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


def system_reason(problem: OSError) -> tuple[str, str]:
    """Both languages; the system's own words for a reason that people do not meet."""
    own = problem.strerror or str(problem) or type(problem).__name__
    return _REASONS.get(problem.errno or 0, (own, own))
