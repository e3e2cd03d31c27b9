"""Everything a diagram can be refused for, in Vietnamese and English. `tests/bpmn/test_linter.py` provokes each of them."""

from collections.abc import Mapping
from types import MappingProxyType

from bpmn.errors import Fault

# code -> (Vietnamese, English); the braces are what was found.
_SENTENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # the file
        "TOO_LARGE": ("tệp quá lớn: {found}, nhiều nhất {most}", "the file is too large: {found}, at most {most}"),
        "NOT_UTF8": ("tệp không phải UTF-8", "the file is not UTF-8"),
        "NOT_XML": ("không phải XML đúng: {found}", "not well-formed XML: {found}"),
        "DOCTYPE": ("không nhận DOCTYPE và thực thể", "DOCTYPE and entities are not accepted"),
        "NOT_BPMN": ("phần tử gốc phải là bpmn:definitions, có {found}", "the root must be bpmn:definitions, found {found}"),
        "NOT_VALID": ("sai lược đồ BPMN 2.0: {found}", "not valid BPMN 2.0: {found}"),
        "ONE_PROCESS": (
            "phải có đúng một quy trình chạy được, có {found}",
            "exactly one executable process is needed, found {found}",
        ),
        "ENGINE": ("máy chạy quy trình không đọc được: {found}", "the engine cannot read it: {found}"),
        # elements
        "UNKNOWN_ELEMENT": (
            "phần tử {found} không thuộc hồ sơ BPMN của Soky{why}",
            "{found} is not in Soky's BPMN profile{why}",
        ),
        "FOREIGN_ATTRIBUTE": ("thuộc tính {found} không có tác dụng ở đây", "the attribute {found} has no effect here"),
        "UNSUPPORTED_ATTRIBUTE": ("thuộc tính {found} không được hỗ trợ", "the attribute {found} is not supported"),
        "BAD_ID": (
            "mã phải là chữ thường không dấu, số và gạch dưới, bắt đầu bằng chữ: {found!r}",
            "ids are small letters, digits and underscores, beginning with a letter: {found!r}",
        ),
        "DUPLICATE_ID": ("mã này đã được dùng", "this id is used twice"),
        "NO_NAME": ("thiếu tên", "has no name"),
        "NO_SHAPE": ("chưa được vẽ (thiếu hình trong sơ đồ)", "is not drawn (no shape or edge in the diagram)"),
        "BAD_SHAPE": ("toạ độ không hợp lệ: {found}", "the coordinates make no sense: {found}"),
        "TOO_LONG": (
            "văn bản quá dài: {found} ký tự, nhiều nhất {most}",
            "the text is too long: {found} characters, at most {most}",
        ),
        # flows
        "BROKEN_FLOW": (
            "đường nối không dẫn từ bước này đến bước khác trong cùng khung: {found}",
            "the flow does not join two elements of one frame: {found}",
        ),
        "TWO_WAYS_OUT": ("phải có đúng một đường ra, có {found}", "must have exactly one way out, has {found}"),
        "WAY_IN": ("không được có đường vào", "must have no way in"),
        "START": (
            "mỗi khung cần đúng một điểm bắt đầu trơn, có {found}",
            "each frame needs exactly one plain start, found {found}",
        ),
        "END": ("khung này không có điểm kết thúc", "this frame has no end"),
        "UNREACHABLE": ("không có đường nào dẫn tới đây", "no way leads here"),
        "NO_WAY_TO_END": ("từ đây không tới được điểm kết thúc nào", "leads to no end"),
        # events
        "EVENT_KIND": (
            "sự kiện chỉ được là đúng một hẹn giờ hoặc một tin nhắn",
            "the event must be exactly one timer or one message",
        ),
        "EVENT_HOST": ("sự kiện phải gắn vào một bước hoặc khung có thật", "the event must be attached to a step or a frame"),
        "TIMER_TEXT": (
            "hẹn giờ phải là khoảng thời gian (P2D, PT24H) hoặc due, có {found!r}",
            "a timer is a plain duration (P2D, PT24H) or due, found {found!r}",
        ),
        "SIDE_PATH": (
            "nhánh của sự kiện không ngắt phải đi riêng tới điểm kết thúc của nó, nhưng gặp lại đường chính ở {found}",
            "the way of a non-interrupting event must go to an end of its own, but meets the main way at {found}",
        ),
        # steps
        "NO_LANE": ("không nằm trong làn nào", "stands in no lane"),
        "TWO_LANES": ("nằm trong nhiều làn", "stands in several lanes"),
        "UNKNOWN_ROLE": ("làn không ứng với vai trò nào: {found!r}", "the lane is no known role: {found!r}"),
        "WRONG_LANE": (
            "bước loại {found} không thể nằm trong làn {lane!r}",
            "a {found} step cannot stand in the lane {lane!r}",
        ),
        "NO_ACTION": ("thiếu thuộc tính action", "has no property action"),
        "BAD_PROPERTY": ("thuộc tính {found}", "property {found}"),
        "UNKNOWN_STEP": ("nhắc tới bước không có: {found!r}", "names a step that does not exist: {found!r}"),
        "MULTI_INSTANCE": (
            "bước nhiều người cần đủ loopDataInputRef, loopDataOutputRef, inputDataItem, outputDataItem",
            "a multi-instance step needs input, output and both items",
        ),
        "MULTI_INSTANCE_DECIDES": (
            "dữ kiện của từng người không ra khỏi bước nhiều người, nên bước này không được có decides",
            "what each person decides does not leave a multi-instance step, so it must not have decides",
        ),
        # facts and conditions
        "BAD_FACT_NAME": ("tên dữ kiện không dùng được: {found!r}", "not usable as a fact's name: {found!r}"),
        "UNDECLARED_FACT": (
            "dữ kiện {found!r} chưa được khai báo ở quy trình",
            "the fact {found!r} is not declared on the process",
        ),
        "FACT_KIND": (
            "dữ kiện {found!r} được khai báo hai kiểu khác nhau",
            "the fact {found!r} is declared with two different kinds",
        ),
        "MISSING_FACT": ("dữ kiện {found!r} có thể chưa có khi tới đây", "the fact {found!r} may not be there yet"),
        "BAD_CONDITION": ("{found}", "{found}"),
        "CONDITION_PLACE": (
            "điều kiện chỉ được đứng ở đường ra của cổng rẽ nhánh",
            "a condition may only stand on a way out of a choosing gateway",
        ),
        "NO_CONDITION": ("đường ra không mặc định phải có điều kiện", "a way out that is not the default needs a condition"),
        "NO_DEFAULT": ("cổng rẽ nhánh phải có đường mặc định", "a choosing gateway needs a default way"),
        "DEFAULT_CONDITION": ("đường mặc định không được có điều kiện", "the default way must have no condition"),
        "OVERLAPPING": (
            "hai điều kiện có thể cùng đúng (khi đó máy chọn theo vị trí trên hình vẽ): {found}",
            "two conditions can both be true (the engine would then choose by the height in the drawing): {found}",
        ),
        "NEVER_TRUE": ("đường này không bao giờ được đi: {found}", "this way is never taken: {found}"),
        "DECIDES": (
            "decides không khớp với cổng tiếp theo {gateway!r}: {found}",
            "decides does not match the next gateway {gateway!r}: {found}",
        ),
        "STALE_FACT": (
            "cổng dùng {found!r} nhưng bước ngay trước ({step}) không quyết định điều đó; một quyết định cũ sẽ dẫn đường",
            "the gateway uses {found!r} but the step just before ({step}) does not decide it; an old decision would choose",
        ),
        # ways
        "JOIN_ON_LOOP": (
            "cổng gộp song song nằm trên vòng lặp: máy sẽ đi tiếp khi còn người chưa làm; hãy đưa các nhánh vào khung con",
            "a joining gateway on a loop: the engine would go on while somebody has not acted; use a sub-process",
        ),
        "UNPAIRED_SPLIT": (
            "các nhánh song song phải gặp nhau ở đúng một cổng gộp cùng loại",
            "parallel ways must meet in exactly one joining gateway of the same kind",
        ),
        "BRANCHES_SHARE_FACT": (
            "hai nhánh song song cùng quyết định {found!r}",
            "two parallel ways both decide {found!r}",
        ),
        "NO_CAP": (
            "vòng lặp qua {found} không có cổng đếm visits() để một người quyết định khi lặp quá nhiều",
            "the loop through {found} passes no visits() gateway that lets a person settle it when it repeats too often",
        ),
        "CAP_TOO_HIGH": ("giới hạn vòng lặp là {found}, nhiều nhất {most}", "the cap of the loop is {found}, at most {most}"),
        "SEAL_BEFORE_SIGN": (
            "con dấu {found!r} có thể được đóng trên một đường chưa qua chữ ký cá nhân cuối cùng ({step})",
            "the seal {found!r} can be reached on a way that has not passed the last personal signature ({step})",
        ),
        "SIGN_OUTCOME": (
            "bước ký có lựa chọn thì phải có lựa chọn signed",
            "a signing step that offers a choice must offer signed",
        ),
    }
)
CODES = frozenset(_SENTENCES)


def fault(code: str, element: str, **found: object) -> Fault:
    """A fault with its two sentences. `found_vi` and `found_en` stand for `found` where the two differ."""
    vi, en = _SENTENCES[code]
    in_vietnamese = {**found, "found": found.get("found_vi", found.get("found")), "why": found.get("why_vi", "")}
    in_english = {**found, "found": found.get("found_en", found.get("found")), "why": found.get("why_en", "")}
    return Fault(element=element, code=code, vi=vi.format_map(in_vietnamese), en=en.format_map(in_english))
